"""The contract of a speech synthesiser."""

from __future__ import annotations

from typing import Protocol

from streams.types import Samples


class Synthesizer(Protocol):
    """Stateless: may be shared by every session. Runs on an engine thread."""

    name: str
    rate: int
    voices: tuple[str, ...]
    speeds: tuple[float, float]
    """The slowest and the fastest that it speaks at."""

    def synthesize(self, text: str, *, voice: str | None = None, speed: float = 1.0) -> Samples:
        """``text`` (a clause or a sentence) as float32 mono at ``rate`` Hz; empty when nothing is spoken.

        The same text gives the same samples. Raises InvalidRequestError for an unknown voice
        and for a speed outside ``speeds``.
        """
        ...
