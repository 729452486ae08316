"""Puts the parts together: the only place that names concrete backends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from gateway.backend import Backend
from gateway.live.live import Emit
from gateway.live.session import LiveSession
from gateway.live.transcription import TranscriptionSession
from gateway.models import build_registry
from gateway.sight import check_eye, choose_sight
from llm.chat import load_chat
from llm.embedding import TextEmbedder
from llm.eye import ConnectorEye
from llm.fingerprint import checkpoint_hashes, fingerprint
from llm.loading import load_model
from llm.reader import Reader
from llm.sentence_embedder import load_embedder
from llm.sight import Sight
from llm.stream import Stream
from llm.visual import VisualTokens
from memory.host import MemoryHost
from memory.memory import StreamMemory
from memory.recall.policies import needs_embedding
from memory.shape import MemoryShape
from memory.store.identity import DEFAULT_TENANT
from speech.asr import ASR_RATE
from speech.hibari import HibariSynthesizer
from speech.silero import SileroDetector, load_silero
from speech.smart_turn import SmartTurn
from speech.whisper import WhisperRecognizer
from streams.clock import Clock, ReplayClock, WallClock
from streams.config import MemoryConfig, StreamsConfig
from streams.conversation import ServerVad, SessionOptions, unanswered
from streams.errors import ConfigError, InvalidRequestError, MemoryStoreError
from streams.log import get_logger
from streams.models.progress import Progress
from streams.models.registry import Registry
from streams.pipeline import Worker
from streams.session import new_id
from streams.types import Frame
from video.efficientnet import EfficientNetEncoder

CLOSING_S = 2.0
"""How long a session may take to be written and closed once its client has gone."""

WINDOW_FRAMES = 2
"""Fewer frames than that in the window, which is always before the model, and it hardly sees the present."""

log = get_logger(__name__)


def load_backend(config: StreamsConfig, progress: Progress | None = None) -> Backend:
    """Load every model that ``config`` names, fetching what is missing. Raises StreamsError."""
    registry = build_registry(config.models, progress=progress)
    log.info("models.loading")
    start = time.perf_counter()
    threads = config.llm.threads or os.cpu_count() or 1
    if config.models.tts != "embedded":
        raise ConfigError(f"no synthesiser for '{config.models.tts}': speech is Hibari's", param="models.tts")
    asr, turn, vision = (registry.resolve(role).path for role in ("asr", "turn", "vision"))
    assert asr is not None
    assert turn is not None
    assert vision is not None
    torch.set_num_threads(threads)
    voice_activity = load_silero()
    reader, shape = load_reader(config, registry)
    encoder = EfficientNetEncoder(vision, config.video.min_confidence)
    check_eye(reader.eye, encoder.name)
    backend = Backend(
        reader=reader,
        memory_shape=shape,
        engine=Worker("llm", lambda: torch.set_num_threads(threads)),
        recognizer=WhisperRecognizer(str(asr), cpu_threads=threads),
        recognizer_worker=Worker("asr"),
        new_detector=lambda: SileroDetector(voice_activity),
        detector_worker=Worker("vad"),
        turn_detector=SmartTurn(turn),
        # Not on the thread of voice activity: one call takes as long as many sessions' windows.
        turn_worker=Worker("turn"),
        synthesizer=HibariSynthesizer(config.speech.voice),
        synthesizer_worker=Worker("tts"),
        encoder=encoder,
        encoder_worker=Worker("vision", lambda: torch.set_num_threads(threads)),
    )
    _warm_up(backend, config)
    seconds = round(time.perf_counter() - start, 2)
    log.info("models.loaded", seconds=seconds, llm=shape.fingerprint.model, asr=asr.name)
    return backend


def _warm_up(backend: Backend, config: StreamsConfig) -> None:
    """Run each model once on its thread: a first run is several times slower, and would be a user's."""
    noise = np.random.default_rng(0).normal(0, 0.1, ASR_RATE).astype(np.float32)
    picture = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    runs: list[Future[Any]] = [
        backend.engine.submit(lambda: backend.reader.sinks(config.llm.instructions)),
        backend.detector_worker.submit(lambda: backend.reader.chat.grammar_tokenizer),
        backend.recognizer_worker.submit(lambda: backend.recognizer.transcribe(noise)),
        backend.turn_worker.submit(lambda: backend.turn_detector.complete(noise)),
        backend.synthesizer_worker.submit(lambda: backend.synthesizer.synthesize("Ready.")),
    ]
    seeing = backend.encoder_worker.submit(lambda: backend.see([Frame(0, picture)]))
    for run in (*runs, seeing):
        run.result()
    warn_of_small_window(seeing.result()[0], config.memory)


def warn_of_small_window(shown: str | VisualTokens, config: MemoryConfig) -> None:
    """Say it when the window holds hardly a frame: its default is for frames that are told by names."""
    if isinstance(shown, VisualTokens) and config.window_tokens < WINDOW_FRAMES * len(shown.embeddings):
        tokens = len(shown.embeddings)
        log.warning("memory.window_small", frame_tokens=tokens, window_tokens=config.window_tokens)


def load_reader(config: StreamsConfig, registry: Registry | None = None) -> tuple[Reader, MemoryShape]:
    """The language model alone, and what a memory has to know of it. Raises StreamsError."""
    registry = registry or build_registry(config.models)
    path = registry.resolve("llm").path
    assert path is not None
    sight = choose_sight(config.models)
    model = load_model(path, config.llm, sight.adapter if sight else None)
    chat = load_chat(path, model.marks)
    reader = Reader(
        model.backbone,
        chat,
        config.llm,
        with_primer=_with_primer(config, sight),
        embedder=_load_embedder(registry, config),
        speak_threshold=config.llm.speak_threshold or (sight.adapter.speak_threshold if sight else None),
        eye=ConnectorEye(sight.connector, model.backbone, chat) if sight else model.eye,
    )
    return reader, reader.shape(fingerprint(path, model.backbone.spec, sight.files if sight else ()))


def reader_hashes(config: StreamsConfig, registry: Registry | None = None) -> tuple[str, str]:
    """Of the language model with how it sees, and of its tokenizer: what ``load_reader`` would load, by its
    content and not by its name. Raises StreamsError."""
    path = (registry or build_registry(config.models)).resolve("llm").path
    assert path is not None
    sight = choose_sight(config.models)
    return checkpoint_hashes(path, sight.files if sight else ())


def _load_embedder(registry: Registry, config: StreamsConfig) -> TextEmbedder | None:
    """Only where recall uses it: each block is embedded, which takes time."""
    if not needs_embedding(config.memory.policy):
        return None
    path = registry.resolve("embedding").path
    assert path is not None
    return load_embedder(path)


def _with_primer(config: StreamsConfig, sight: Sight | None) -> bool:
    """A model that learned to answer from frames needs no example of it."""
    asked = config.llm.primer
    return asked == "on" or (asked == "auto" and config.models.llm == "embedded" and sight is None)


class Streams:
    """The service without a wire: opens sessions on one backend. ``close`` after the last session."""

    def __init__(self, config: StreamsConfig, backend: Backend) -> None:
        self.config = config
        self.backend = backend
        self._memories = MemoryHost(
            config.memory,
            backend.memory_shape,
            embed=backend.reader.embed if backend.reader.embedder else None,
        )

    @classmethod
    def load(cls, config: StreamsConfig, progress: Progress | None = None) -> Streams:
        return cls(config, load_backend(config, progress))

    def new_clock(self, start_us: int = 0) -> Clock:
        """Wall time for live sessions; with ``server.clock = "media"`` time that the media advance."""
        return WallClock(start_us) if self.config.server.clock == "wall" else ReplayClock(start_us)

    async def open_session(
        self,
        emit: Emit,
        *,
        name: str | None = None,
        tenant: str = DEFAULT_TENANT,
        clock: Callable[[int], Clock] | None = None,
        options: SessionOptions | None = None,
    ) -> LiveSession:
        """A session that reports to ``emit``; the tenant's of this ``name`` goes on where it was.

        ``clock`` makes its clock from the time at which it goes on, 0 for a new session. Raises
        InvalidRequestError for a name where no memory is kept, and what ``MemoryHost.open`` raises.
        """
        if name is not None and not self._memories.durable:
            raise InvalidRequestError(
                "sessions are not kept here, so none can be named: start with --memory-dir", param="session"
            )
        chosen = options or self.default_options()
        backend = self.backend
        memory = await self._open_memory(new_id("sess") if name is None else name, tenant)
        memory.keep_empty = name is not None  # nobody comes back to what has no name and holds nothing
        try:
            start_us = memory.resume_us(at_wall_time=self.config.server.clock == "wall" and clock is None)
            stream = await backend.engine.run(lambda: Stream(backend.reader, memory, chosen.instructions))
            chosen = replace(chosen, instructions=stream.instructions)
            its_clock = (clock or self.new_clock)(start_us)
            session = LiveSession(backend, self.config, chosen, stream, its_clock, emit)
            await session.speaking_up.restore()
            return session
        except BaseException:
            await asyncio.to_thread(memory.close)
            raise

    def open_transcription(self, emit: Emit) -> TranscriptionSession:
        """A session that only writes down what it hears, and tells ``emit``. Nothing of it is kept."""
        options = self.default_options()
        turns = unanswered(options.turn_detection)
        options = replace(options, kind="transcription", transcription=True, turn_detection=turns)
        return TranscriptionSession(self.backend, self.config.speech, options, self.new_clock(), emit)

    # What a server asks (Service).

    def worker_waits_s(self) -> dict[str, float]:
        return {worker.name: worker.waiting_s for worker in self.backend.workers}

    def memory_bytes(self) -> dict[str, int]:
        return self._memories.nbytes()

    def check_writable(self) -> None:
        self._memories.check_writable()

    def find_session(self, name: str) -> None:
        """Raises MemoryStoreError (``session_not_found``) unless a session of this name is kept."""
        self._memories.find(name)

    async def _open_memory(self, name: str, tenant: str) -> StreamMemory:
        """The session's memory, waited for a little: who comes back at once finds it still being closed."""
        deadline = time.monotonic() + CLOSING_S
        while True:
            try:
                return await asyncio.to_thread(self._memories.open, name, tenant=tenant)
            except MemoryStoreError as error:
                if error.code != "session_in_use" or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(CLOSING_S / 20)

    def default_options(self) -> SessionOptions:
        speech, llm = self.config.speech, self.config.llm
        turns = ServerVad(
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
        self._memories.close()
        self.backend.close()
