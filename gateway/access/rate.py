"""How often something may happen."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """At most ``burst`` at once and ``rate_per_s`` as it goes on.

    (The token bucket of RFC 2697 and of every router since.) What may not be refused can be counted
    without asking: then the bucket owes, and is empty for so much longer.
    """

    def __init__(self, rate_per_s: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        assert rate_per_s > 0
        assert burst > 0
        self.burst = burst
        self._rate_per_s = rate_per_s
        self._now = now
        self._tokens = float(burst)
        self._filled_at = now()

    @property
    def left(self) -> float:
        """How many may happen now; below 0 while the bucket owes."""
        now = self._now()
        self._tokens = min(self._tokens + (now - self._filled_at) * self._rate_per_s, self.burst)
        self._filled_at = now
        return self._tokens

    @property
    def full_in_s(self) -> float:
        return (self.burst - self.left) / self._rate_per_s

    def wait_s(self, count: float = 1.0) -> float:
        """How long until ``count`` more may happen; 0 when they may now."""
        return max(count - self.left, 0.0) / self._rate_per_s

    def take(self, count: float = 1.0) -> float:
        """Count ``count`` more, whether they may happen or not; how long the bucket owes for them."""
        self._tokens = self.left - count
        return max(-self._tokens, 0.0) / self._rate_per_s
