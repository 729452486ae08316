"""The two clocks: wall time for live sessions, replay time that moves with the media."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol

from streams.types import US_PER_S


class Clock(Protocol):
    """Time of one session, in microseconds since its start. Never goes back."""

    def now_us(self) -> int: ...

    async def sleep_until(self, at_us: int) -> None:
        """Return once ``now_us() >= at_us``."""
        ...


class WallClock:
    """Real time since construction, which was at ``start_us`` of a session that goes on."""

    def __init__(self, start_us: int = 0) -> None:
        self._start_ns = time.monotonic_ns() - start_us * 1_000

    def now_us(self) -> int:
        return (time.monotonic_ns() - self._start_ns) // 1_000

    async def sleep_until(self, at_us: int) -> None:
        while (left_us := at_us - self.now_us()) > 0:  # noqa: ASYNC110 - a timer may fire early
            await asyncio.sleep(left_us / US_PER_S)


class ReplayClock:
    """Virtual time: stands still until the media (or a test) advances it.

    A replay on this clock runs as fast as the machine can and waits for nothing.
    """

    def __init__(self, start_us: int = 0) -> None:
        self._now_us = start_us
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_us(self) -> int:
        return self._now_us

    def advance_to(self, at_us: int) -> None:
        """Move to ``at_us`` and wake who slept until then; earlier times are ignored."""
        self._now_us = max(self._now_us, at_us)
        while self._sleepers and self._sleepers[0][0] <= self._now_us:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    async def sleep_until(self, at_us: int) -> None:
        if at_us <= self._now_us:
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at_us, next(self._order), future))
        await future
