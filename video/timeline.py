"""Media timestamps rebased to integer microseconds that never go back."""

from __future__ import annotations

from fractions import Fraction

from streams.log import get_logger
from streams.types import US_PER_S

logger = get_logger(__name__)

RESTART_US = US_PER_S
"""A step back of at least this much is a restarted or wrapped clock, a smaller one a jitter."""


class Timeline:
    """The clock of one track: what its timestamps are after rebasing to ``origin_us``.

    A timestamp a little before the last one is moved up to it. One far before it means that the
    source's clock started again, so from there on the track continues where it was.
    """

    def __init__(self, name: str, origin_us: int) -> None:
        self._name = name
        self._shift_us = -origin_us
        self._last_us = 0
        self._next_us = 0

    def rebase(self, pts: int | None, time_base: Fraction | None, duration_us: int) -> int:
        """The time in microseconds, not before any given earlier; without ``pts`` it follows the last."""
        if pts is None or time_base is None:
            at_us = self._next_us
        else:
            at_us = to_us(pts, time_base) + self._shift_us
            if at_us < self._last_us - RESTART_US:
                logger.warning("media_clock_restarted", track=self._name, from_us=self._last_us, to_us=at_us)
                self._shift_us += self._next_us - at_us
                at_us = self._next_us
        self._last_us = max(at_us, self._last_us)
        self._next_us = self._last_us + duration_us
        return self._last_us


def to_us(ticks: int, time_base: Fraction) -> int:
    return ticks * US_PER_S * time_base.numerator // time_base.denominator
