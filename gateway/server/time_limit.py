"""How long a session may be idle, and last in all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from streams.clock import Clock
from streams.types import US_PER_MS, US_PER_S

LimitReason: TypeAlias = Literal["idle", "total"]

NOTICE_US = 30 * US_PER_S
"""How long before its end a session is told of it; half of a limit that is shorter than two of these."""


NEVER_US = 2**62


class TimeLimit:
    """The deadlines of one session; a limit of 0 is none.

    A session is idle while its client neither sends nor is answered: its machine may still answer pings.
    The total counts from here on, the time without a socket included.
    """

    def __init__(self, idle_s: float, total_s: float, clock: Clock) -> None:
        self._idle_us = round(idle_s * US_PER_S) or NEVER_US
        self._clock = clock
        self._active_us = clock.now_us()
        total_us = round(total_s * US_PER_S) or NEVER_US
        self._end_us = self._active_us + total_us
        self._notices_us = {"idle": _notice_us(self._idle_us), "total": _notice_us(total_us)}
        self._busy = 0

    @property
    def left_s(self) -> float:
        """Until the session has lasted as long as it may; longer than any machine runs without a limit."""
        return max(self._end_us - self._clock.now_us(), 0) / US_PER_S

    def begin(self) -> None:
        """A request or an answer begins: the session is not idle until its ``finish``."""
        self._busy += 1

    def finish(self) -> None:
        self._busy -= 1
        self.touch()

    def touch(self) -> None:
        """The session is in use now."""
        self._active_us = self._clock.now_us()

    async def reached(self, announce: Callable[[LimitReason, int], None]) -> LimitReason:
        """Return when a limit is reached; ``announce`` is told some time before, and in how many ms.

        An end by idleness that was announced does not come when the session is in use again.
        """
        announced: dict[LimitReason, int] = {}
        while True:
            now_us = self._clock.now_us()
            idle_end_us = (now_us if self._busy else self._active_us) + self._idle_us
            ends: dict[LimitReason, int] = {"total": self._end_us, "idle": idle_end_us}
            wake_us = NEVER_US
            for reason, end_us in ends.items():
                if now_us >= end_us:
                    return reason
                notice_us = end_us - self._notices_us[reason]
                if now_us >= notice_us and announced.get(reason) != end_us:
                    announced[reason] = end_us
                    announce(reason, (end_us - now_us) // US_PER_MS)
                wake_us = min(wake_us, end_us if now_us >= notice_us else notice_us)
            await self._clock.sleep_until(wake_us)


def _notice_us(limit_us: int) -> int:
    return min(NOTICE_US, limit_us // 2)
