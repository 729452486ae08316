"""The ear of one session: sound of any rate in, utterances out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from speech.audio import Rechunker, Resampler
from speech.segmenter import (
    Segmenter,
    SegmenterConfig,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
)
from speech.vad import VAD_RATE, WINDOW_SAMPLES, WINDOW_US, VoiceDetector
from streams.types import US_PER_MS, AudioChunk, Samples


@dataclass(frozen=True, slots=True)
class Sound:
    """More of the open utterance, at 16 kHz."""

    chunk: AudioChunk


Heard: TypeAlias = SpeechStarted | Sound | SpeechPaused | SpeechResumed | SpeechStopped


class Listener:
    """Resamples, cuts into windows, finds where speech starts and stops. Times count the audio heard.

    With a ``SegmenterConfig`` voice opens and closes utterances; without one (push to talk) all
    sound belongs to one, which the caller ends. Not thread-safe.
    """

    def __init__(self, detector: VoiceDetector, segmentation: SegmenterConfig | None) -> None:
        self._detector = detector
        self._segmentation = segmentation
        self._resampler = Resampler(VAD_RATE, VAD_RATE)
        self._windows = Rechunker(WINDOW_SAMPLES, VAD_RATE)
        self._segmenter = Segmenter(segmentation or SegmenterConfig())
        self._recent: deque[AudioChunk] = deque()
        self._open = False
        self.end_us = 0

    @property
    def open(self) -> bool:
        """Whether an utterance is open."""
        return self._open

    def configure(self, segmentation: SegmenterConfig | None) -> None:
        """Holds from the next sound on. An open utterance goes on, until voice or the caller ends it."""
        if segmentation is not None and self._segmentation is None:
            # The segmenter heard nothing of what was said meanwhile.
            self._segmenter = Segmenter(segmentation, self.end_us)
        elif segmentation is not None:
            self._segmenter.configure(segmentation)
        self._segmentation = segmentation

    def wait_for(self, silence_ms: int, pause_us: int) -> bool:
        """End the utterance after ``silence_ms`` of the pause told as ``SpeechPaused(pause_us)``.

        Returns False, and changes nothing, when that pause is over. See ``Segmenter.wait_for``.
        """
        waits = self._open and self._segmentation is not None
        return waits and self._segmenter.wait_for(silence_ms, pause_us)

    def push(self, samples: Samples, rate: int) -> list[Heard]:
        """What ``samples`` (float32 mono at ``rate`` Hz) make known, in order."""
        if rate != self._resampler.source_rate:
            before = self._resampler.flush()
            self._resampler = Resampler(rate, VAD_RATE)
        else:
            before = samples[:0]
        heard: list[Heard] = []
        for window in self._windows.push(np.concatenate([before, self._resampler.push(samples)])):
            self.end_us = window.end_us
            heard += self._hear(window)
        return heard

    def _hear(self, window: AudioChunk) -> list[Heard]:
        probability = self._detector.push(window.samples)
        if self._segmentation is None:
            opened = [] if self._open else [SpeechStarted(window.pts_us, window.pts_us)]
            self._open = True
            return [*opened, Sound(window)]
        self._keep(window, self._segmentation)
        # Before what the window makes known: a pause is noticed after its sound.
        heard: list[Heard] = [Sound(window)] if self._open else []
        for event in self._segmenter.push(probability):
            if self._open and not isinstance(event, SpeechStarted):
                heard.append(event)
                self._open = not isinstance(event, SpeechStopped)
            elif isinstance(event, SpeechStarted) and not self._open:
                self._open = True
                heard.append(event)
                heard += [Sound(chunk) for chunk in self._recent if chunk.end_us > event.at_us]
        return heard

    def _keep(self, window: AudioChunk, segmentation: SegmenterConfig) -> None:
        """Sound as far back as the start of an utterance may lie that is only now known to have begun."""
        self._recent.append(window)
        reach_us = (segmentation.prefix_padding_ms + segmentation.min_speech_ms) * US_PER_MS + WINDOW_US
        while self._recent[0].end_us < window.end_us - reach_us:
            self._recent.popleft()

    def flush(self) -> list[Heard]:
        """End the open utterance now."""
        if not self._open:
            return []
        self._open = False
        ended = self._segmenter.flush() if self._segmentation is not None else []
        return [*ended] or [SpeechStopped(self.end_us, self.end_us)]

    def reset(self) -> None:
        """Forget the open utterance and the sound before it; time goes on."""
        self._open = False
        self._recent.clear()
        self._detector.reset()
        self._segmenter = Segmenter(self._segmentation or SegmenterConfig(), self.end_us)
