"""How long a silence has to be until it is the end of the turn.

What the sound tells (``TurnDetector``) and what the words tell (``finished``) are two pieces of evidence,
whose log odds add up as in naive Bayes. The surer the end, the shorter the wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streams.conversation import Eagerness

# Tuned on the half of ``streams bench turns`` that is not reported (``--half tune``).
PRIOR = 0.7
"""Log odds of an end before there is evidence; above 0, since to wait in vain costs something too."""
SOUND_WEIGHT = 0.3
WORDS_WEIGHT = 1.4
CERTAINTY = 1e-3
"""Probabilities count as no nearer to 0 or 1 than this."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Silence that ends a turn: ``shortest_ms`` when sure of the end, ``longest_ms`` when sure of none."""

    shortest_ms: int
    longest_ms: int


WAITS: Mapping[Eagerness, Waits] = MappingProxyType(
    {
        "low": Waits(600, 8_000),
        "medium": Waits(400, 4_000),
        "auto": Waits(400, 4_000),
        "high": Waits(200, 2_000),
    }
)


class Patience:
    """The waits of one eagerness; ``auto`` is ``medium``, as in the Realtime API. Stateless."""

    def __init__(self, eagerness: Eagerness) -> None:
        self._waits = WAITS[eagerness]

    @property
    def longest_ms(self) -> int:
        """The silence that ends a turn whatever was said: what to configure the segmenter with."""
        return self._waits.longest_ms

    def wait_ms(self, sound: float | None, words: float | None) -> int:
        """How long the silence has to be, all of it, from the last voice on.

        ``sound`` is what the turn detector says of this pause, ``words`` what ``finished`` says of the
        text up to it; None for what is not known yet. With neither known the wait is the longest.
        """
        if sound is None and words is None:
            return self._waits.longest_ms
        odds = PRIOR + SOUND_WEIGHT * _log_odds(sound) + WORDS_WEIGHT * _log_odds(words)
        doubt = 1 / (1 + math.exp(odds))
        return round(self._waits.shortest_ms + doubt * (self._waits.longest_ms - self._waits.shortest_ms))


def _log_odds(probability: float | None) -> float:
    """0, no evidence, for what is unknown."""
    if probability is None:
        return 0.0
    bounded = min(max(probability, CERTAINTY), 1 - CERTAINTY)
    return math.log(bounded / (1 - bounded))
