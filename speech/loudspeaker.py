"""What the client plays, on the session's clock: the reference that an echo is looked for in."""

from __future__ import annotations

from collections import deque
from threading import Lock

import numpy as np

from speech.audio import Resampler
from speech.vad import VAD_RATE
from streams.types import US_PER_S, AudioChunk, Samples

JOIN_US = 20_000
"""Sound that begins this near to the end of what came before goes on with it."""
KEPT_S = 2
"""How far behind the last place that was read sound is kept."""


class Loudspeaker:
    """Sound at 16 kHz by its time. May be written to and read from on two threads."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, Samples]] = deque()
        self._resampler: Resampler | None = None
        self._next = 0
        self._end_us = 0
        self._lock = Lock()

    def play(self, chunk: AudioChunk) -> None:
        """``chunk`` is heard from ``chunk.pts_us`` on."""
        with self._lock:
            resampler = self._resampler
            joined = abs(chunk.pts_us - self._end_us) <= JOIN_US
            if resampler is None or resampler.source_rate != chunk.rate or not joined:
                resampler = self._resampler = Resampler(chunk.rate, VAD_RATE)
                self._next = place(chunk.pts_us)
            samples = resampler.push(chunk.samples)
            if len(samples):
                self._pieces.append((self._next, samples))
            self._next += len(samples)
            self._end_us = chunk.end_us

    def withdraw(self, at_us: int) -> None:
        """Nothing is heard from ``at_us`` on of what was to be."""
        with self._lock:
            end = place(at_us)
            self._pieces = deque(
                (start, samples[: end - start]) for start, samples in self._pieces if start < end
            )
            self._resampler = None

    def read(self, start: int, count: int) -> Samples:
        """``count`` samples from ``start`` on (``place``); zeros where nothing is played.

        What lies ``KEPT_S`` and more before ``start`` is forgotten.
        """
        found: Samples = np.zeros(count, np.float32)
        with self._lock:
            while self._pieces and _end(self._pieces[0]) < start - KEPT_S * VAD_RATE:
                self._pieces.popleft()
            for at, samples in self._pieces:
                begin, end = max(at, start), min(at + len(samples), start + count)
                if begin < end:
                    found[begin - start : end - start] += samples[begin - at : end - at]
        return found


def place(at_us: int) -> int:
    """The sample of the clock's time, at 16 kHz from its zero."""
    return at_us * VAD_RATE // US_PER_S


def _end(piece: tuple[int, Samples]) -> int:
    return piece[0] + len(piece[1])
