"""Standing requests, and what is said of them, as the wire shows them."""

from __future__ import annotations

from typing import Any

from streams.standing_request import StandingRequest
from streams.types import US_PER_MS
from streams.unasked import Unasked


def request_to_wire(request: StandingRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "kind": request.kind,
        "text": request.text,
        "repeat": request.repeats,
        "created_ms": request.created_us // US_PER_MS,
    }


def unasked_metadata(unasked: Unasked) -> dict[str, str]:
    """The metadata of a response that nobody asked for, by which a client knows it and what it is about."""
    return {
        "streams.unasked": unasked.kind,
        "streams.standing_request": unasked.request_id,
        "streams.frame_ms": str(unasked.at_us // US_PER_MS),
    }
