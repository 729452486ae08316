"""The contract of what tells, by ear, whether a speaker has finished."""

from __future__ import annotations

from typing import Protocol

from streams.types import Samples

TURN_RATE = 16_000


class TurnDetector(Protocol):
    """Stateless: may be shared by every session. Runs on an engine thread."""

    name: str

    def complete(self, samples: Samples) -> float:
        """Probability (0..1) that who spoke has finished.

        ``samples``: the utterance so far with the silence after it, float32 at 16 kHz; only the last 8 s
        count. Called when the voice has paused: what it says of sound in mid-word means nothing.
        """
        ...
