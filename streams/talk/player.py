"""What a client plays: the sound of replies in the order it came, and how much of it was heard."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

from streams.types import Samples


@dataclass(frozen=True, slots=True)
class Played:
    """So much of a reply was heard before playing was stopped."""

    item_id: str
    heard_ms: int


class Player:
    """Sound waits here until a device takes it, piece by piece, with ``pull``.

    Thread-safe: events put sound in on one thread, a sound card takes it on another.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.delay_ms = 0
        """So much later than it was taken sound is heard."""
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, Samples]] = deque()
        self._held = False
        self._item_id = ""
        self._heard = 0

    def put(self, item_id: str, samples: Samples) -> None:
        """More sound of the reply ``item_id``, float32 mono."""
        with self._lock:
            self._waiting.append((item_id, samples))

    def pull(self, count: int) -> Samples:
        """The next ``count`` samples: silence where there is nothing to play, or while held."""
        sound = np.zeros(count, np.float32)
        filled = 0
        with self._lock:
            while filled < count and self._waiting and not self._held:
                item_id, samples = self._waiting.popleft()
                taken = samples[: count - filled]
                if len(taken) < len(samples):
                    self._waiting.appendleft((item_id, samples[len(taken) :]))
                if item_id != self._item_id:
                    self._item_id, self._heard = item_id, 0
                sound[filled : filled + len(taken)] = taken
                filled += len(taken)
                self._heard += len(taken)
        return sound

    def hold(self) -> None:
        """Pause; what waits stays, and more may come."""
        with self._lock:
            self._held = True

    def resume(self) -> None:
        with self._lock:
            self._held = False

    def stop(self) -> Played | None:
        """Forget what waits. The reply that was being played or was next; None when nothing waited."""
        with self._lock:
            self._held = False
            if not self._waiting:
                return None
            item_id = self._waiting[0][0]
            self._waiting.clear()
            heard = self._heard if item_id == self._item_id else 0
            return Played(item_id, max(heard * 1_000 // self.rate - self.delay_ms, 0))

    @property
    def playing(self) -> bool:
        """Whether sound waits to be played."""
        with self._lock:
            return bool(self._waiting)

    @property
    def held(self) -> bool:
        with self._lock:
            return self._held
