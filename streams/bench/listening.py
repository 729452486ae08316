"""One stream heard window by window, as a session would hear it, on a virtual clock.

Sound arrives at its own pace; only what the models take to compute is measured, and takes that long on
the clock too: while a hypothesis is computed, sound piles up and no second one begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from speech.asr import Recognizer
from speech.audio import Rechunker
from speech.segmenter import (
    Segmenter,
    SegmenterConfig,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
)
from speech.streaming import StreamingRecognizer
from speech.vad import VAD_RATE, WINDOW_SAMPLES, VoiceDetector
from streams.config import SpeechConfig
from streams.types import US_PER_MS, AudioChunk, Samples, Word

T = TypeVar("T")


@dataclass
class Listening:
    """What was heard in one stream, and when. ``final_us`` is when the last transcript was ready."""

    words: list[Word] = field(default_factory=list)
    stop_us: int | None = None
    final_us: int | None = None
    busy_us: int = 0
    vad_us: list[int] = field(default_factory=list)
    partial_us: list[int] = field(default_factory=list)
    reused: int = 0
    utterances: int = 0


class ListeningTrial:
    """Runs the detector, the segmenter and the streaming recogniser over one stream."""

    def __init__(self, detector: VoiceDetector, recognizer: Recognizer, config: SpeechConfig) -> None:
        self._detector = detector
        self._recognizer = recognizer
        self._config = config
        self._busy_until_us = 0
        self._next_us = 0
        self._wanted = False
        self._utterance: StreamingRecognizer | None = None
        self.result = Listening()

    def listen(self, samples: Samples) -> Listening:
        segmenter = Segmenter(SegmenterConfig.from_config(self._config))
        windows = Rechunker(WINDOW_SAMPLES, VAD_RATE).push(samples)
        for at, window in enumerate(windows):
            probability, vad_us = _timed(partial(self._detector.push, window.samples))
            self.result.vad_us.append(vad_us)
            if self._utterance is not None:
                self._utterance.append(window)
            for event in segmenter.push(probability):
                match event:
                    case SpeechStarted(at_us=at_us):
                        self._start([w for w in windows[: at + 1] if w.end_us > at_us], window.end_us)
                    case SpeechPaused():
                        self._wanted = True
                    case SpeechResumed():
                        self._wanted = False
                    case SpeechStopped(voice_end_us=voice_end_us):
                        self._finish(window.end_us, voice_end_us)
            self._hypothesize(window.end_us, segmenter)
        for event in segmenter.flush():
            if isinstance(event, SpeechStopped):
                self._finish(event.at_us, event.voice_end_us)
        return self.result

    def _start(self, windows: list[AudioChunk], now_us: int) -> None:
        self._utterance = StreamingRecognizer(self._recognizer, max_buffer_s=self._config.max_buffer_s)
        for window in windows:
            self._utterance.append(window)
        self._next_us = now_us + self._config.partial_interval_ms * US_PER_MS
        self.result.utterances += 1

    def _hypothesize(self, now_us: int, segmenter: Segmenter) -> None:
        due = self._wanted or (now_us >= self._next_us and not segmenter.paused)
        if self._utterance is None or not due or now_us < self._busy_until_us:
            return
        self._wanted = False
        _, took_us = _timed(self._utterance.hypothesize)
        self.result.partial_us.append(took_us)
        self._spend(now_us, took_us)
        self._next_us = now_us + max(took_us, self._config.partial_interval_ms * US_PER_MS)

    def _finish(self, now_us: int, voice_end_us: int) -> None:
        utterance, self._utterance, self._wanted = self._utterance, None, False
        assert utterance is not None
        self.result.reused += utterance.covers(voice_end_us)
        transcript, took_us = _timed(partial(utterance.finish, voice_end_us))
        self._spend(now_us, took_us)
        self.result.words += transcript.words
        self.result.stop_us = now_us
        self.result.final_us = self._busy_until_us

    def _spend(self, now_us: int, took_us: int) -> None:
        self._busy_until_us = max(now_us, self._busy_until_us) + took_us
        self.result.busy_us += took_us


def _timed(call: Callable[[], T]) -> tuple[T, int]:
    begin_ns = time.perf_counter_ns()
    value = call()
    return value, (time.perf_counter_ns() - begin_ns) // 1_000
