"""What a session is to speak up about by itself, when that happens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

RequestKind: TypeAlias = Literal["alert", "narration"]
"""An ``alert`` is for something that is waited for, a ``narration`` tells whatever is new."""

MAX_REQUEST_CHARS = 500
"""Of a standing request's text, which is attended to with every frame."""

NARRATION = "Describe what you see as it changes."
"""What a session in narration mode is asked, when nobody asked it."""


@dataclass(frozen=True, slots=True)
class StandingRequest:
    """``repeats``: it stands on after it was met ("whenever"); others end then ("when").

    ``by_mode``: nobody asked for it, the session's mode brought it.
    """

    id: str
    kind: RequestKind
    text: str
    repeats: bool
    created_us: int
    by_mode: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_request(data: object) -> StandingRequest | None:
    """What ``to_json`` gave, read back from where it was kept; None when it is not that."""
    if not isinstance(data, dict):
        return None
    try:
        request = StandingRequest(**data)
    except TypeError:
        return None
    sound = (
        isinstance(request.id, str)
        and request.kind in ("alert", "narration")
        and isinstance(request.text, str)
        and isinstance(request.repeats, bool)
        and isinstance(request.created_us, int)
        and isinstance(request.by_mode, bool)
    )
    return request if sound else None
