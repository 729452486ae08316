"""Where speech begins and ends in a stream, from voice probabilities. No I/O, no wall time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from speech.vad import WINDOW_US
from streams.config import SpeechConfig
from streams.types import US_PER_MS

HYSTERESIS = 0.15
"""Speech that has begun goes on while its probability stays above the threshold less this (Silero)."""
PAUSE_MS = 96
"""Shorter silences are the closures of stop consonants, not pauses."""


@dataclass(frozen=True, slots=True)
class SegmenterConfig:
    """The fields of ``server_vad`` and the least length of speech. Times round up to 32 ms windows."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    min_speech_ms: int = 96

    @classmethod
    def from_config(cls, config: SpeechConfig) -> SegmenterConfig:
        return cls(
            config.vad_threshold,
            config.prefix_padding_ms,
            config.silence_duration_ms,
            config.min_speech_ms,
        )


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """``at_us``: the first sound to recognise, so the padding is included. ``voice_us``: the first voice."""

    at_us: int
    voice_us: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The voice fell silent at ``at_us``: perhaps the end, a good moment to recognise ahead of it."""

    at_us: int


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The pause was not the end: the voice is back from ``at_us`` on."""

    at_us: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """``voice_end_us``: where the voice fell silent. ``at_us``: where that was long enough to be the end."""

    at_us: int
    voice_end_us: int


SegmenterEvent: TypeAlias = SpeechStarted | SpeechPaused | SpeechResumed | SpeechStopped


def _windows(ms: int) -> int:
    return -(-ms * US_PER_MS // WINDOW_US)


class Segmenter:
    """Turns one probability per 32 ms window into events, each at most once per utterance but pauses.

    ``start_us`` is the time of the first window. Every ``SpeechStarted`` is followed by one
    ``SpeechStopped``; between them ``SpeechPaused`` and ``SpeechResumed`` alternate.
    """

    def __init__(self, config: SegmenterConfig, start_us: int = 0) -> None:
        self._config = config
        self._now_us = self._floor_us = start_us
        self._speaking = False
        self._paused = False
        self._voice_us = start_us
        self._voiced = 0
        self._silent = 0
        self._patience_ms: int | None = None

    @property
    def paused(self) -> bool:
        """Whether the voice fell silent inside the utterance, and has not come back yet."""
        return self._paused

    def configure(self, config: SegmenterConfig) -> None:
        """Holds from the next window on, inside an utterance too."""
        self._config = config

    def wait_for(self, silence_ms: int, pause_us: int) -> bool:
        """End the utterance after ``silence_ms`` of the pause that began at ``pause_us``, now open.

        In place of the configured silence, for this pause alone, from the next window on: a pause that
        is longer by then ends with it. Returns False, and changes nothing, when that pause is over.
        """
        if not self._paused or pause_us != self._now_us - self._silent * WINDOW_US:
            return False
        self._patience_ms = silence_ms
        return True

    def push(self, probability: float) -> list[SegmenterEvent]:
        """What the next window (``probability`` of voice in it) makes known."""
        begin_us, self._now_us = self._now_us, self._now_us + WINDOW_US
        going_on = self._speaking or self._voiced
        threshold = self._config.threshold - (HYSTERESIS if going_on and not self._silent else 0)
        if probability >= max(threshold, 0.01):
            return self._voice(begin_us)
        return self._silence(begin_us)

    def flush(self) -> list[SegmenterEvent]:
        """End the utterance now, as when the client commits the buffer."""
        return self._stop(self._now_us - self._silent * WINDOW_US) if self._speaking else []

    def _voice(self, begin_us: int) -> list[SegmenterEvent]:
        self._silent = 0
        self._patience_ms = None
        if self._speaking:
            if not self._paused:
                return []
            self._paused = False
            return [SpeechResumed(begin_us)]
        if not self._voiced:
            self._voice_us = begin_us
        self._voiced += 1
        if self._voiced < _windows(self._config.min_speech_ms):
            return []
        self._speaking = True
        padded_us = self._voice_us - self._config.prefix_padding_ms * US_PER_MS
        return [SpeechStarted(max(self._floor_us, padded_us), self._voice_us)]

    def _silence(self, begin_us: int) -> list[SegmenterEvent]:
        if not self._speaking:
            self._voiced = 0
            return []
        self._silent += 1
        voice_end_us = begin_us - (self._silent - 1) * WINDOW_US
        patience_ms = self._config.silence_duration_ms if self._patience_ms is None else self._patience_ms
        if self._silent >= _windows(patience_ms):
            return self._stop(voice_end_us)
        if self._silent >= _windows(PAUSE_MS) and not self._paused:
            self._paused = True
            return [SpeechPaused(voice_end_us)]
        return []

    def _stop(self, voice_end_us: int) -> list[SegmenterEvent]:
        self._speaking = self._paused = False
        self._voiced = self._silent = 0
        self._patience_ms = None
        # The padding of the next utterance must not reach back into this one.
        self._floor_us = voice_end_us
        return [SpeechStopped(self._now_us, voice_end_us)]
