"""The contract of a voice activity detector."""

from __future__ import annotations

from typing import Protocol

from streams.types import Samples

VAD_RATE = 16_000
WINDOW_SAMPLES = 512
WINDOW_US = 32_000


class VoiceDetector(Protocol):
    """State of one audio stream; weights may be shared between streams."""

    def push(self, window: Samples) -> float:
        """Probability (0..1) that ``window``, 512 samples at 16 kHz, holds speech. Advances the state."""
        ...

    def reset(self) -> None:
        """Forget the past of the stream."""
        ...
