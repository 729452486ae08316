"""A message's text to a ClientEvent, or an error that names the field at fault."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

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
        raise _refusal(first) from None


def event_id_of(data: dict[str, Any]) -> str | None:
    """The client's ``event_id``, also of an event that is wrong otherwise."""
    event_id = data.get("event_id")
    return event_id if isinstance(event_id, str) else None


def _refusal(error: ErrorDetails) -> InvalidRequestError:
    kind = error["type"]
    if kind == "union_tag_not_found":
        return InvalidRequestError("Missing required parameter: 'type'", param="type", code=_CODES["missing"])
    if kind == "union_tag_invalid":
        tag = shorten(str(error["ctx"]["tag"]))
        message = f"Unknown event '{tag}'; known: {error['ctx']['expected_tags']}"
        return InvalidRequestError(message, param="type", code="unknown_event")
    # The first part of a location is the tag of the union, not a field.
    param = format_path(error["loc"][1:])
    code = _CODES.get(kind) or ("invalid_type" if kind.endswith("_type") else "invalid_value")
    if kind == "missing":
        message = f"Missing required parameter: '{param}'"
    elif kind == "extra_forbidden":
        message = f"Unknown parameter: '{param}'"
    else:
        message = f"Invalid '{param}': {error['msg']}"
    return InvalidRequestError(message, param=param, code=code)


def format_path(parts: tuple[int | str, ...]) -> str:
    """``("item", "content", 0, "text")`` as ``item.content[0].text``."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return shorten(path)


def shorten(text: str) -> str:
    return text if len(text) <= MAX_ECHO_CHARS else f"{text[:MAX_ECHO_CHARS]}…"
