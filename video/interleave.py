"""Several tracks merged into one sequence in time order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Interleaver(Generic[T]):
    """A merge of tracks that are in time order each, waiting at most ``hold_us`` for a late track.

    A container stores its tracks only roughly side by side. An item leaves once every track has
    one, so that none can still come before it, or once some track is ``hold_us`` ahead of it: a
    camera whose microphone sends nothing is not held up.
    """

    def __init__(self, tracks: int, hold_us: int) -> None:
        self._queues: list[deque[tuple[int, T]]] = [deque() for _ in range(tracks)]
        self._hold_us = hold_us
        self._newest_us = 0

    def push(self, track: int, pts_us: int, item: T) -> None:
        self._queues[track].append((pts_us, item))
        self._newest_us = max(self._newest_us, pts_us)

    def pop_ready(self) -> Iterator[tuple[int, T]]:
        """Remove and yield every item whose turn it is."""
        while heads := [queue for queue in self._queues if queue]:
            first = min(heads, key=lambda queue: queue[0][0])
            if len(heads) < len(self._queues) and self._newest_us - first[0][0] <= self._hold_us:
                return
            yield first.popleft()

    def drain(self) -> Iterator[tuple[int, T]]:
        """Remove and yield what is left, when no track will bring more."""
        while heads := [queue for queue in self._queues if queue]:
            yield min(heads, key=lambda queue: queue[0][0]).popleft()
