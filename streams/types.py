"""The types that flow between rooms: small, frozen, documented with shape and unit.

Every ``*_us`` is an integer count of microseconds on the session's clock, which
starts at 0 when the session does. Media are rebased to it where they enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = NDArray[np.float32]

US_PER_MS = 1_000
US_PER_S = 1_000_000

UNNAMED = "something unnamed"
"""What people read of a moment of which nothing is said in words."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture. ``image`` is uint8 RGB of shape [height, width, 3]."""

    pts_us: int
    image: Image


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A run of mono sound. ``samples`` is float32 of shape [n] in -1..1 at ``rate`` Hz.

    ``pts_us`` is the time of the first sample.
    """

    pts_us: int
    rate: int
    samples: Samples

    @property
    def duration_us(self) -> int:
        return len(self.samples) * US_PER_S // self.rate

    @property
    def end_us(self) -> int:
        return self.pts_us + self.duration_us


@dataclass(frozen=True, slots=True)
class Embedding:
    """What an encoder made of a source at a time. ``vectors`` is float32 [n, dim]."""

    pts_us: int
    source: str
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Token:
    """One token that a language model wrote. ``pts_us`` is when it was computed.

    ``text`` is what became printable with it, possibly empty inside a multi-byte character.
    """

    id: int
    text: str
    pts_us: int


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word with its span on the session's clock."""

    text: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one utterance in time order."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


class BlockKind(StrEnum):
    """What a block of memory was made of."""

    SYSTEM = "system"
    FRAME = "frame"
    UTTERANCE = "utterance"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Moment:
    """A span of the past that an answer drew on.

    ``score`` orders moments of one answer, higher first; scores of different answers do not
    compare. ``text`` is what the block holds, as the model read it.
    """

    start_us: int
    end_us: int
    score: float
    kind: BlockKind
    text: str
    block_id: int


def format_time(us: int) -> str:
    """``us`` as the ``MM:SS`` (``H:MM:SS`` from one hour on) that models and people read."""
    seconds = us // US_PER_S
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
