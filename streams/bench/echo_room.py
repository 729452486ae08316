"""Rooms with a loudspeaker and a microphone, made by code and seeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speech.asr import ASR_RATE
from streams.types import Samples


@dataclass(frozen=True, slots=True)
class Room:
    """``gain_db``: of the echo to what is played. ``response``: float64 of energy 1, from the delay on."""

    delay_ms: int
    gain_db: float
    decay_ms: int
    response: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Room:
        """A direct path and a tail of noise that falls by 60 dB within ``decay_ms`` (after Polack, 1988)."""
        decay_ms = int(rng.integers(100, 600))
        count = decay_ms * ASR_RATE // 1_000
        tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
        tail *= np.sqrt(10 ** (-rng.uniform(-3, 9) / 10) / np.sum(tail**2))
        tail[0] += 1
        return cls(
            delay_ms=int(rng.integers(10, 500)),
            gain_db=float(rng.uniform(-30, -6)),
            decay_ms=decay_ms,
            response=tail / np.sqrt(np.sum(tail**2)),
        )

    def echo(self, played: Samples) -> Samples:
        """What the microphone hears of ``played`` (16 kHz), as long as it."""
        size = 1 << (len(played) + len(self.response) - 1).bit_length()
        wet = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(self.response, size), size)
        delay = self.delay_ms * ASR_RATE // 1_000
        late = np.pad(wet, (delay, 0))[: len(played)]
        return np.asarray(10 ** (self.gain_db / 20) * late, np.float32)
