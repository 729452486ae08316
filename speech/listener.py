"""The ear of one session: sound of any rate in, utterances out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from speech.audio import Rechunker, Resampler
from speech.segmenter import (
    Segmenter,
    SegmenterConfig,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
)
from speech.vad import VAD_RATE, WINDOW_SAMPLES, VoiceDetector
from streams.types import US_PER_MS, US_PER_S, AudioChunk, Samples


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
        self._resampler: Resampler | None = None
        self._rate = VAD_RATE
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
        """Holds from the next sound on."""
        self._segmentation = segmentation
        if segmentation is not None:
            self._segmenter.configure(segmentation)

    def push(self, samples: Samples, rate: int) -> list[Heard]:
        """What ``samples`` (float32 mono at ``rate`` Hz) make known, in order."""
        if rate != self._rate:
            self._resampler = Resampler(rate, VAD_RATE) if rate != VAD_RATE else None
            self._rate = rate
        if self._resampler is not None:
            samples = self._resampler.push(samples)
        heard: list[Heard] = []
        for window in self._windows.push(samples):
            self.end_us = window.end_us
            heard += self._hear(window)
        return heard

    def _hear(self, window: AudioChunk) -> list[Heard]:
        probability = self._detector.push(window.samples)
        if self._segmentation is None:
            opened = [] if self._open else [SpeechStarted(window.pts_us, window.pts_us)]
            self._open = True
            return [*opened, Sound(window)]
        heard: list[Heard] = []
        events = self._segmenter.push(probability)
        if not self._open:
            self._keep(window, self._segmentation.prefix_padding_ms)
        for event in events:
            if isinstance(event, SpeechStarted):
                self._open = True
                heard.append(event)
                heard += [Sound(chunk) for chunk in self._recent if chunk.end_us > event.at_us]
                self._recent.clear()
                continue
            if self._open:
                heard.append(event)
            if isinstance(event, SpeechStopped):
                self._open = False
        if self._open and not any(isinstance(item, Sound) for item in heard):
            # Before what the window made known: a pause is noticed after its sound.
            heard.insert(0, Sound(window))
        return heard

    def _keep(self, window: AudioChunk, padding_ms: int) -> None:
        """Sound before an utterance is known to have begun, as far back as its start may lie."""
        self._recent.append(window)
        reach_us = padding_ms * US_PER_MS + US_PER_S
        while self._recent[0].end_us < window.end_us - reach_us:
            self._recent.popleft()

    def flush(self) -> list[Heard]:
        """End the open utterance now."""
        if not self._open:
            return []
        self._open = False
        if self._segmentation is None:
            return [SpeechStopped(self.end_us, self.end_us)]
        return list(self._segmenter.flush())

    def reset(self) -> None:
        """Forget the open utterance and the sound before it; time goes on."""
        self._open = False
        self._recent.clear()
        self._detector.reset()
        self._segmenter = Segmenter(self._segmentation or SegmenterConfig(), self.end_us)
