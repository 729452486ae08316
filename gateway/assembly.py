"""Puts the parts together: the only place that names concrete backends."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gateway.backend import Backend
from gateway.live import Emit
from gateway.models import build_registry
from gateway.session import LiveSession
from llm.chat import load_chat
from llm.loading import load_backbone
from llm.stream import Reader, Stream
from speech.asr import ASR_RATE
from speech.hibari import HibariSynthesizer
from speech.silero import SileroDetector, load_silero
from speech.whisper import WhisperRecognizer
from streams.clock import Clock, ReplayClock, WallClock
from streams.config import StreamsConfig
from streams.conversation import SessionOptions, TurnDetection
from streams.errors import ConfigError
from streams.log import get_logger
from streams.models.progress import Progress
from streams.pipeline import Worker
from streams.session import new_id
from streams.types import Frame
from video.efficientnet import EfficientNetEncoder

log = get_logger(__name__)


def load_backend(config: StreamsConfig, progress: Progress | None = None) -> Backend:
    """Load every model that ``config`` names, fetching what is missing. Raises StreamsError."""
    registry = build_registry(config.models, progress=progress)
    start = time.perf_counter()
    threads = config.llm.threads or os.cpu_count() or 1
    if config.models.tts != "embedded":
        raise ConfigError(f"no synthesiser for '{config.models.tts}': speech is Hibari's", param="models.tts")
    llm, asr, vision = (registry.resolve(role).path for role in ("llm", "asr", "vision"))
    assert llm is not None
    assert asr is not None
    assert vision is not None
    torch.set_num_threads(threads)
    voice_activity = load_silero()
    backend = Backend(
        reader=Reader(
            load_backbone(llm, config.llm),
            load_chat(llm),
            config.llm,
            with_primer=_with_primer(config),
        ),
        engine=Worker("llm", lambda: torch.set_num_threads(threads)),
        recognizer=WhisperRecognizer(str(asr), cpu_threads=threads),
        recognizer_worker=Worker("asr"),
        new_detector=lambda: SileroDetector(voice_activity),
        detector_worker=Worker("vad"),
        synthesizer=HibariSynthesizer(config.speech.voice),
        synthesizer_worker=Worker("tts"),
        encoder=EfficientNetEncoder(vision, config.video.min_confidence),
        encoder_worker=Worker("vision", lambda: torch.set_num_threads(threads)),
    )
    _warm_up(backend, config)
    log.info("models.loaded", seconds=round(time.perf_counter() - start, 2), llm=llm.name, asr=asr.name)
    return backend


def _warm_up(backend: Backend, config: StreamsConfig) -> None:
    """Run each model once on its thread: a first run is several times slower, and would be a user's."""
    noise = np.random.default_rng(0).normal(0, 0.1, ASR_RATE).astype(np.float32)
    picture = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    runs: list[Future[Any]] = [
        backend.engine.submit(lambda: backend.reader.sinks(config.llm.instructions)),
        backend.recognizer_worker.submit(lambda: backend.recognizer.transcribe(noise)),
        backend.synthesizer_worker.submit(lambda: backend.synthesizer.synthesize("Ready.")),
        backend.encoder_worker.submit(lambda: backend.encoder.encode([Frame(0, picture)])),
    ]
    for run in runs:
        run.result()


def _with_primer(config: StreamsConfig) -> bool:
    asked = config.llm.primer
    return asked == "on" or (asked == "auto" and config.models.llm == "embedded")


class Streams:
    """The service without a wire: opens sessions on one backend. ``close`` after the last session."""

    def __init__(self, config: StreamsConfig, backend: Backend) -> None:
        self.config = config
        self.backend = backend
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if config.memory.dir is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="streams-memory-")
            self._folder = Path(self._temporary.name)
        else:
            self._folder = config.memory.dir.expanduser()

    @classmethod
    def load(cls, config: StreamsConfig, progress: Progress | None = None) -> Streams:
        return cls(config, load_backend(config, progress))

    def new_clock(self) -> Clock:
        """Wall time for live sessions; with ``server.clock = "media"`` time that the media advance."""
        return WallClock() if self.config.server.clock == "wall" else ReplayClock()

    async def open_session(
        self, emit: Emit, *, clock: Clock | None = None, options: SessionOptions | None = None
    ) -> LiveSession:
        """A new session that reports to ``emit``."""
        options = options or self.default_options()
        backend = self.backend
        folder = self._folder / new_id("memory")
        stream = await backend.engine.run(
            lambda: Stream(backend.reader, self.config.memory, folder, options.instructions)
        )
        return LiveSession(backend, self.config, options, stream, clock or self.new_clock(), emit)

    def default_options(self) -> SessionOptions:
        speech, llm = self.config.speech, self.config.llm
        turns = TurnDetection(
            threshold=speech.vad_threshold,
            prefix_padding_ms=speech.prefix_padding_ms,
            silence_duration_ms=speech.silence_duration_ms,
        )
        return replace(
            SessionOptions(),
            instructions=llm.instructions,
            voice=speech.voice,
            speed=speech.speed,
            max_output_tokens=llm.max_output_tokens,
            turn_detection=turns,
        )

    def close(self) -> None:
        self.backend.close()
        if self._temporary is not None:
            self._temporary.cleanup()
