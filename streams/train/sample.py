"""What a model is trained and tested on: pictures with what they show, and streams of them with dialogue.

The streaming-dialogue form of LIVE (VideoLLM-online, Chen et al., CVPR 2024): frames and turns on one clock.
Questions are answered where they are asked, standing requests at the frames that they wait for, and at all
other frames silence is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "validation", "test"]
Topic: TypeAlias = Literal[
    "now", "past", "colour", "place", "count", "order", "when", "text", "motion",
    "alert", "narration", "told", "overheard", "heard", "chat",
]  # fmt: skip
"""What a turn asks about; an ``alert`` is a standing request, a ``narration`` one to tell all that is new.
What is ``told`` is to be remembered, and acknowledged; what is ``overheard`` is said to somebody else, and
not answered; ``heard`` asks for either."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One kind of thing in a picture: its plain name ("apple") and parent class ("fruit").

    ``colour`` is None where it has none worth a name. ``place`` is where its middle lies; ``count`` how many
    of it there are, together at that place, 0 for several that nobody counted. Either is ``untold`` where it
    is not known, whatever stands there. What was not drawn but
    photographed has ``names`` that are all right, all the ``classes`` that it is of, and ``besides``: names
    and classes of what else may be seen there or be said of it, which is not asked about.
    """

    name: str
    parent: str
    colour: str | None = None
    place: str = ""
    count: int = 1
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    untold: frozenset[Literal["colour", "count"]] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What one picture shows, and all of it: ``text`` is what stands written in it, ``motion`` where its
    first thing has moved to since the picture before ("left", "right", "up", "down", or "" when still)."""

    things: tuple[Thing, ...]
    text: str = ""
    background: str = ""
    motion: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame of a stream: ``picture`` is its number in the pictures of its split."""

    pts_us: int
    picture: int
    facts: Facts


@dataclass(frozen=True, slots=True)
class Reply:
    """What is right to say at ``at_us``; ``accepted`` are other wordings that count as right."""

    at_us: int
    text: str
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said at ``at_us``, and all replies it gets: one now, none to what is overheard, or later ones
    when events fall due.

    ``evidence`` are the spans (start, end) that have to be remembered to answer; ``choices`` make it a
    multiple-choice question, the first reply's text being one of them. ``acknowledgement`` is said at once
    to who wants to be told later.
    """

    at_us: int
    topic: Topic
    text: str
    replies: tuple[Reply, ...]
    evidence: tuple[tuple[int, int], ...] = ()
    choices: tuple[str, ...] = ()
    acknowledgement: str = ""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One stream, ``end_us`` long: frames and turns, both in time order."""

    frames: tuple[Seen, ...]
    turns: tuple[Turn, ...]
    end_us: int
