"""What a session says unasked, and what it reports of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from streams.standing_request import RequestKind, StandingRequest

HeldBack: TypeAlias = Literal["voice", "turn", "response", "rate", "away"]
"""Why what falls due is not said: somebody speaks, waits for an answer, or is being answered; it would be too
soon after the last; or the client is away."""
Suppression: TypeAlias = HeldBack | Literal["late", "told", "passed", "off"]
"""Why it was never said: held back for one of these until it was stale, late from the start, told of
already, over, or the session was not to speak up any more."""
SUPPRESSIONS: tuple[str, ...] = (*get_args(HeldBack), "late", "told", "passed", "off")
StandingChange: TypeAlias = Literal["added", "cancelled", "met", "mode", "restored"]
"""What became of a standing request; ``mode``: the session is not to narrate any more."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """Why something is said that nobody asked just now: ``at_us`` is the time of the frame that met it.

    ``seeks`` is what memory is asked for it, "" where the request speaks of nothing that was.
    """

    request_id: str
    kind: RequestKind
    at_us: int
    seeks: str = ""


@dataclass(frozen=True, slots=True)
class FrameJudged:
    """How probable it is that something is to be said of the frame at ``pts_us``, and if that is enough."""

    pts_us: int
    probability: float
    speaks: bool


@dataclass(frozen=True, slots=True)
class StandingRequestsChanged:
    """``requests`` stand now, oldest first; ``request_id`` is the one that changed."""

    requests: tuple[StandingRequest, ...]
    change: StandingChange
    request_id: str


@dataclass(frozen=True, slots=True)
class UnaskedSuppressed:
    """What the frame at ``at_us`` met was not said, and will not be."""

    request_id: str
    reason: Suppression
    at_us: int
