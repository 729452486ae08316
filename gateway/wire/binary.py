"""The compact binary form of the two appends: a byte for the kind, eight for the time, then the data.

The time is an unsigned big-endian count of microseconds on the client's clock, all ones for none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from streams.errors import InvalidRequestError
from streams.types import US_PER_MS

HEADER = struct.Struct(">BQ")
NO_TIME = 2**64 - 1
MAX_TIMESTAMP_MS = 2**42
"""Up to here a float of milliseconds names every microsecond; enough for a clock that counts from 1970."""


class BinaryKind(IntEnum):
    AUDIO = 1
    IMAGE = 2


@dataclass(frozen=True, slots=True)
class BinaryAppend:
    """``data`` is sound in the session's input format, or an encoded picture."""

    kind: BinaryKind
    data: bytes
    timestamp_us: int | None = None

    def pack(self) -> bytes:
        time_us = NO_TIME if self.timestamp_us is None else self.timestamp_us
        return HEADER.pack(self.kind, time_us) + self.data


def parse_binary(message: bytes) -> BinaryAppend:
    """Raises InvalidRequestError: ``invalid_frame`` for what is no such message, else naming the field."""
    if len(message) < HEADER.size:
        text = f"A binary message begins with {HEADER.size} bytes for kind and time; this has {len(message)}"
        raise InvalidRequestError(text, code="invalid_frame")
    code, time_us = HEADER.unpack_from(message)
    if code not in {*BinaryKind}:
        known = " or ".join(f"{kind.value} ({kind.name.lower()})" for kind in BinaryKind)
        text = f"The first byte of a binary message is its kind, {known}, not {code}"
        raise InvalidRequestError(text, param="kind", code="invalid_frame")
    kind = BinaryKind(code)
    if time_us == NO_TIME:
        return BinaryAppend(kind, message[HEADER.size :])
    if kind is BinaryKind.AUDIO:
        text = "Sound is placed by when it arrives and has no time of its own: send all ones"
        raise InvalidRequestError(text, param="timestamp_ms", code="unsupported_value")
    if time_us > MAX_TIMESTAMP_MS * US_PER_MS:
        text = f"A time is at most {MAX_TIMESTAMP_MS} milliseconds, or all ones for none"
        raise InvalidRequestError(text, param="timestamp_ms", code="invalid_value")
    return BinaryAppend(kind, message[HEADER.size :], time_us)
