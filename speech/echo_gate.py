"""A voice detector that does not hear the session's own voice come back through a loudspeaker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from speech.echo_bands import PLAYED_SAMPLES, EchoBands, Match
from speech.loudspeaker import Loudspeaker, place
from speech.vad import WINDOW_SAMPLES, WINDOW_US, VoiceDetector
from streams.types import AudioChunk, Samples

EXCESS = 0.35
LIKENESS = 0.5
SMOOTHED = 3
"""Windows over which the excess is averaged."""
HANGOVER = 8
"""Windows for which a user who was heard over the echo is taken to talk on."""


class EchoGate:
    """``detector`` with windows that are explained by what is played given the probability 0.

    The echo may come up to 630 ms after the time at which a chunk was said to be heard, as loud as what
    is played or less. Where nothing is played ``detector`` alone decides. ``push`` and ``reset`` belong to
    one thread, ``sent`` and ``withdrawn`` may come from another.
    """

    def __init__(self, detector: VoiceDetector, to_clock: Callable[[int], int]) -> None:
        """``to_clock`` maps the time of a window, counted in sound pushed (us), to the session's clock."""
        self._detector = detector
        self._to_clock = to_clock
        self._loudspeaker = Loudspeaker()
        self._bands = EchoBands()
        self._windows = 0
        self._last: Samples = np.zeros(WINDOW_SAMPLES, np.float32)
        self._excess: deque[float] = deque(maxlen=SMOOTHED)
        self._talks = 0

    def sent(self, chunk: AudioChunk) -> None:
        """``chunk`` is played by the client from ``chunk.pts_us`` on, on the session's clock."""
        self._loudspeaker.play(chunk)

    def withdrawn(self, at_us: int) -> None:
        """From ``at_us`` on nothing is played of what was sent."""
        self._loudspeaker.withdraw(at_us)

    def push(self, window: Samples) -> float:
        """Probability (0..1) that ``window``, 512 samples at 16 kHz, holds a voice that is not an echo."""
        probability = self._detector.push(window)
        end = place(self._to_clock(self._windows * WINDOW_US)) + WINDOW_SAMPLES
        self._windows += 1
        frame, self._last = np.concatenate([self._last, window]), window
        played = self._loudspeaker.read(end - PLAYED_SAMPLES, PLAYED_SAMPLES)
        if not played.any():
            self._bands.hear(frame)
            self._excess.clear()
            self._talks = 0
            return probability
        match = self._bands.match(frame, played, end)
        return 0.0 if self._explains(match) else probability

    def _explains(self, match: Match) -> bool:
        self._excess.append(match.excess)
        alike = match.likeness is None or match.likeness > LIKENESS
        if np.mean(self._excess) > EXCESS or not alike:
            self._talks = HANGOVER
        else:
            self._talks = max(self._talks - 1, 0)
        if self._talks:
            return False
        self._bands.learn()
        return True

    def reset(self) -> None:
        """Forget the past of the voice; the room stays as it is, and time goes on."""
        self._detector.reset()
        self._excess.clear()
        self._talks = 0
