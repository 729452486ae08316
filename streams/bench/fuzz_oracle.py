"""What a server may do with a message, right or wrong, and what it may not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from streams.bench.fuzz_mutation import Case
from streams.client import ServerEvent

MAX_MESSAGE_CHARS = 4_000
"""An error explains; it does not send back what it was sent."""

MAX_EVENT_ID_CHARS = 512


def errors_in(events: Sequence[ServerEvent]) -> list[dict[str, Any]]:
    return [event["error"] for event in events if event["type"] == "error"]


def complaint_about(case: Case, events: Sequence[ServerEvent]) -> str | None:
    """What is wrong with ``events``, all that came between ``case`` and the next request; None if nothing."""
    errors = errors_in(events)
    if len(errors) > 1:
        return f"{len(errors)} errors: {[error['message'] for error in errors]}"
    if not errors:
        if case.verdict == "wrong":
            return "a wrong message got no error"
        answer = case.seed.answer
        if case.verdict == "right" and answer and answer not in {event["type"] for event in events}:
            return f"a right message got no {answer}"
        return None
    (error,) = errors
    if case.verdict == "right" and error.get("code") not in case.seed.refusals:
        return f"a right message got an error: {error}"
    return _fault_of(error, case)


def _fault_of(error: dict[str, Any], case: Case) -> str | None:
    if error.keys() != {"type", "code", "message", "param", "event_id"}:
        return f"an error with the fields {sorted(error)}"
    code, message, param = error["code"], error["message"], error["param"]
    if not (isinstance(code, str) and code) or code == "internal_error":
        return f"an error with the code {code!r}: {message}"
    if not (isinstance(message, str) and message) or not isinstance(param, str | None):
        return f"an error with the message {message!r} and the param {param!r}"
    if len(message) > MAX_MESSAGE_CHARS or len(param or "") > MAX_MESSAGE_CHARS:
        return f"an error of {len(message)} characters, and {len(param or '')} of param"
    expected = None if code == "invalid_json" else event_id_in(case.payload)
    if error["event_id"] != expected:
        return f"an error ({code}) about the event {error['event_id']!r}, not {expected!r}"
    return None


def event_id_in(payload: str | bytes) -> str | None:
    """The id that an error has to carry, read by another parser than the server's."""
    if isinstance(payload, bytes):
        return None
    try:
        message = json.loads(payload, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    event_id = message.get("event_id") if isinstance(message, dict) else None
    return event_id if isinstance(event_id, str) and len(event_id) <= MAX_EVENT_ID_CHARS else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
