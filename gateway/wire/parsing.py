"""A message's text to a ClientEvent, or an error that names the field at fault."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from gateway.wire.base import MAX_EVENT_ID_CHARS
from gateway.wire.client_event import CLIENT_EVENT, UNSUPPORTED_EVENTS, ClientEvent
from streams.errors import InvalidRequestError

MAX_ECHO_CHARS = 200
"""How much of a client's own text an error quotes."""

_CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "unsupported_value": "unsupported_value",
}


def parse_object(message: str) -> dict[str, Any]:
    """``message`` as a JSON object. Raises InvalidRequestError (``invalid_json``)."""
    try:
        data = from_json(message, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError(f"Not valid JSON: {error}", code="invalid_json") from None
    if not isinstance(data, dict):
        raise InvalidRequestError("An event is a JSON object with a 'type'", code="invalid_json")
    return data


def parse_event(data: dict[str, Any]) -> ClientEvent:
    """Raises InvalidRequestError with ``param`` as the path of the first wrong field."""
    if isinstance(kind := data.get("type"), str) and kind in UNSUPPORTED_EVENTS:
        message = f"'{kind}' is not served here"
        raise InvalidRequestError(message, param="type", code="unsupported_event")
    try:
        return CLIENT_EVENT.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _refusal(first, data) from None


def event_id_of(data: dict[str, Any]) -> str | None:
    """The client's ``event_id``, also of an event that is wrong otherwise; None when it is no id itself."""
    event_id = data.get("event_id")
    return event_id if isinstance(event_id, str) and len(event_id) <= MAX_EVENT_ID_CHARS else None


def _refusal(error: ErrorDetails, data: dict[str, Any]) -> InvalidRequestError:
    kind = error["type"]
    param = format_path(_without_tags(error["loc"], data))
    if kind == "union_tag_not_found":
        param = f"{param}.type".lstrip(".")
        message = f"Missing required parameter: '{param}'"
        return InvalidRequestError(message, param=param, code=_CODES["missing"])
    if kind == "union_tag_invalid":
        tag, known = shorten(str(error["ctx"]["tag"])), error["ctx"]["expected_tags"]
        if not param:
            message = f"Unknown event '{tag}'; known: {known}"
            return InvalidRequestError(message, param="type", code="unknown_event")
        param = f"{param}.type"
        message = f"Invalid '{param}': '{tag}' is not supported; only {known} is"
        return InvalidRequestError(message, param=param, code=_CODES["unsupported_value"])
    code = _CODES.get(kind) or ("invalid_type" if kind.endswith("_type") else "invalid_value")
    if kind == "missing":
        message = f"Missing required parameter: '{param}'"
    elif kind == "extra_forbidden":
        message = f"Unknown parameter: '{param}'"
    else:
        message = f"Invalid '{param}': {error['msg']}"
    return InvalidRequestError(message, param=param, code=code)


def _without_tags(location: tuple[int | str, ...], data: Any) -> tuple[int | str, ...]:
    """``location`` in ``data`` as fields alone: where it enters a union it also has the union's tag."""
    path: list[int | str] = []
    inside = True  # the event itself is the first of them
    for part in location:
        if inside and isinstance(data, dict) and part == data.get("type"):
            inside = False
            continue
        path.append(part)
        if isinstance(data, dict):
            data, inside = data.get(str(part)), True
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data, inside = data[part], True
    return tuple(path)


def format_path(parts: tuple[int | str, ...]) -> str:
    """``("item", "content", 0, "text")`` as ``item.content[0].text``."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return shorten(path)


def shorten(text: str) -> str:
    return text if len(text) <= MAX_ECHO_CHARS else f"{text[:MAX_ECHO_CHARS]}…"
