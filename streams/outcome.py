"""What the rules of a session ask to be done, and what they report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from streams.conversation import Item, ItemReference, SessionOptions
from streams.events import Event, StatusReason
from streams.unasked import Unasked


@dataclass(frozen=True, slots=True)
class Recognise:
    """Carry out: make the final transcript of the utterance that became ``item_id``."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Respond:
    """Carry out: write a response to the pending input, or to ``input`` alone when it is given; one that is
    ``unasked`` is to none."""

    response_id: str
    options: SessionOptions
    in_conversation: bool
    input: tuple[Item | ItemReference, ...] | None = None
    unasked: Unasked | None = None


@dataclass(frozen=True, slots=True)
class StopResponse:
    """Carry out: the active response computes no further token and sends no further sound."""

    response_id: str
    reason: StatusReason


@dataclass(frozen=True, slots=True)
class HoldResponse:
    """Carry out: the response sends no sound for now."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ReleaseResponse:
    """Carry out: a held response goes on where it stopped."""

    response_id: str


Outcome: TypeAlias = Event | Recognise | Respond | StopResponse | HoldResponse | ReleaseResponse
