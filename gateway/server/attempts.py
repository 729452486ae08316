"""How often each address failed lately, so that secrets are not guessed."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable

MAX_KEPT = 65_536
"""Failures remembered in all."""


class Attempts:
    """An address that failed ``limit`` times within ``window_s`` waits until the first of them is past."""

    def __init__(
        self, limit: int = 10, window_s: float = 60.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._now = now
        self._failures: deque[tuple[float, str]] = deque()
        self._counts: Counter[str] = Counter()

    def allowed(self, address: str) -> bool:
        oldest = self._now() - self._window_s
        while self._failures and self._failures[0][0] <= oldest:
            self._forget_first()
        return self._counts[address] < self._limit

    def failed(self, address: str) -> None:
        self._failures.append((self._now(), address))
        self._counts[address] += 1
        if len(self._failures) > MAX_KEPT:
            self._forget_first()

    def _forget_first(self) -> None:
        _, address = self._failures.popleft()
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]
