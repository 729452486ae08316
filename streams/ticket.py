"""What a client shows to come back to its session."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit


class Ticket:
    """The newest token, and the last event that came (docs/protocol.md, coming back)."""

    def __init__(self) -> None:
        self.token: str | None = None
        """None while there is nothing to come back to."""
        self.grace_s = 0.0
        self._last_event_id = ""

    def note(self, event: dict[str, Any]) -> None:
        self._last_event_id = event["event_id"]
        streams = event.get("session", {}).get("streams", {})
        if "token" in streams.get("resume", {}):
            self.token, self.grace_s = streams["resume"]["token"], streams["resume"]["grace_s"]

    def request(self) -> dict[str, Any]:
        return {"type": "session.resume", "token": self.token, "after": self._last_event_id}


def resume_url(url: str) -> str:
    """Where a session that was opened at ``url`` is resumed."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "session"]
    return parts._replace(query=urlencode([*query, ("resume", "1")])).geturl()
