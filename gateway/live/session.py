"""A running session: senses, memory and voice around the rules of ``streams.session``."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from gateway.backend import Backend
from gateway.live.hearing import Hearing
from gateway.live.item_reader import ItemReader
from gateway.live.live import Emit, from_any_thread
from gateway.live.reading import Heard, Reading
from gateway.live.responder import Responder
from gateway.live.response import Stopwatch
from gateway.live.sight import FrameCounts, Sight
from gateway.live.utterance import Utterance
from llm.stream import Stream
from memory.notice import ignore
from memory.stats import MemoryStats
from speech.streaming import Partial
from streams.clock import Clock, ReplayClock
from streams.config import StreamsConfig
from streams.conversation import Item, ResponseOptions, SessionOptions
from streams.errors import InvalidRequestError, MemoryStoreError, StreamsError
from streams.events import SessionFailed, TranscriptFailed, TranscriptPartial
from streams.log import get_logger
from streams.session import Outcome, Recognise, Respond, Session, StopResponse
from streams.types import US_PER_MS, Image, Samples

FAREWELL_S = 3.0
"""How long a session that ends may take to read what was said last."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """An utterance that ended and waits for its final transcript.

    Its sound's times plus ``offset_us`` are on the session's clock.
    """

    utterance: Utterance
    voice_end_us: int
    offset_us: int
    watch: Stopwatch


class LiveSession:
    """``Live`` on real models: this runs on the event loop, the models on the backend's threads."""

    def __init__(
        self,
        backend: Backend,
        config: StreamsConfig,
        options: SessionOptions,
        stream: Stream,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._backend = backend
        self._config = config
        self._clock = clock
        self._emit = emit
        self._in_order = isinstance(clock, ReplayClock)
        self._session = Session(options, stream.memory.key.name)
        self.id = self._session.id
        self._stream = stream
        stream.memory.notify = from_any_thread(emit)
        self._reading = Reading(backend, stream)
        self._hearing = Hearing(backend, config.speech, options.turn_detection, clock, self)
        self._sight = Sight(backend, config.video, clock, stream, self._reading, emit)
        self._items = ItemReader(backend, self._sight, emit)
        self._turn: Turn | None = None
        self._committing = False
        self._responder = Responder(
            backend, config, self._session, stream, self._reading, clock, self._sight.load_thumbnails, emit
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._recognising: set[asyncio.Task[None]] = set()
        self._taking_turns = asyncio.Lock()
        self._log = log.bind(session=self.id)

    # What a client asks for.

    @property
    def options(self) -> SessionOptions:
        return self._session.options

    def update(self, options: SessionOptions) -> None:
        self._check_voice(options.voice)
        before = self._session.options
        if options.instructions != before.instructions:
            self._stream.reader.check_instructions(options.instructions)
        self._session.options = options
        if options.turn_detection != before.turn_detection:
            self._hearing.configure(options.turn_detection)
        if options.instructions != before.instructions:
            self._start(self._reading.instruct(options.instructions))

    def _check_voice(self, voice: str) -> None:
        voices = self._backend.synthesizer.voices
        if voice not in voices:
            raise InvalidRequestError(
                f"voice '{voice}' is not here; there is: {', '.join(voices)}", param="voice"
            )

    async def append_audio(self, samples: Samples, rate: int) -> None:
        await self._hearing.push(samples, rate)

    async def commit_audio(self) -> None:
        if self._session.utterance is None:
            self._follow(self._session.committed())
        self._committing = True
        await self._hearing.end()

    def clear_audio(self) -> None:
        self._hearing.clear()
        self._follow(self._session.cleared())

    async def append_frame(self, image: Image, pts_us: int | None) -> None:
        await self._sight.append(image, pts_us)

    def clear_frames(self) -> None:
        self._sight.clear()

    async def add_item(self, item: Item, previous_item_id: str | None) -> None:
        watch = Stopwatch()
        self._follow(self._session.item_created(item, previous_item_id))
        text = await self._items.text_of(item)
        await self._recognised()  # what was said before the message comes before it
        if not text:
            return
        now_us = self._clock.now_us()
        if item.role == "user":
            await self._reading.hear(Heard(text, now_us, now_us, item.id, watch))
            return
        await self._reading.take_message(now_us, item.role, text, item.id)

    def retrieve_item(self, item_id: str) -> None:
        self._follow(self._session.item_wanted(item_id))

    async def delete_item(self, item_id: str) -> None:
        self._session.items.get(item_id)
        if self._responder.writing(item_id):
            raise InvalidRequestError(f"item '{item_id}' is still being written", param="item_id")
        await self._recognised()
        await self._reading.forget(item_id)
        self._follow(self._session.item_removed(item_id))

    async def truncate_item(self, item_id: str, content_index: int, audio_end_us: int) -> None:
        self._session.items.get(item_id)
        being_written = self._responder.writing(item_id) is not None
        text = self._responder.truncate(item_id, content_index, audio_end_us)
        changed = self._session.reply_text(item_id) != text
        self._follow(self._session.reply_truncated(item_id, content_index, audio_end_us, text))
        if changed and not being_written:
            await self._reading.reword(item_id, self._clock.now_us(), text)

    async def respond(self, options: ResponseOptions) -> str:
        if options.voice is not None:
            self._check_voice(options.voice)
        self._follow(self._session.response_requested(options))
        assert self._session.active_response is not None
        return self._session.active_response

    def cancel(self, response_id: str | None) -> None:
        self._follow(self._session.cancel_requested(response_id))

    async def drain(self) -> None:
        while True:
            await self._sight.drain()
            busy = [*self._tasks]
            if not busy:
                return
            await asyncio.gather(*busy, return_exceptions=True)

    async def close(self) -> None:
        self._responder.stop("client_cancelled")
        self._hearing.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._remember_what_was_said()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sight.close()
        self._stream.memory.notify = ignore
        # Off the engine's thread: what is to be kept is written first, while others are answered.
        await asyncio.to_thread(self._stream.close)

    async def _remember_what_was_said(self) -> None:
        """A response that was stopped becomes memory as far as it was heard; so does what nobody answered."""
        if self._tasks:
            await asyncio.wait([*self._tasks])
        await self._reading.overhear_pending()

    # What a client may look at.

    def thumbnail(self, block_id: int) -> bytes | None:
        return self._sight.thumbnail(block_id)

    @property
    def frame_counts(self) -> FrameCounts:
        return self._sight.counts

    async def memory_stats(self) -> MemoryStats:
        """Once what is to be on disk is there. Bytes on the device count the model's working buffers too."""
        with suppress(MemoryStoreError):  # reported by the memory itself
            await asyncio.to_thread(self._stream.memory.flush)

        def stats() -> MemoryStats:
            return replace(self._stream.memory.stats(), device_bytes=self._stream.device_bytes)

        return await self._backend.engine.run(stats)

    # What hearing reports (HearingHandler).

    def speech_started(self, at_us: int) -> None:
        self._follow(self._session.speech_started(at_us))

    def speech_stopped(self, at_us: int, voice_end_us: int, utterance: Utterance) -> None:
        ended_us = self._hearing.to_clock(voice_end_us)
        waited_us = 0 if self._in_order else self._clock.now_us() - ended_us
        watch = Stopwatch(max(waited_us, 0) / US_PER_MS)
        self._turn = Turn(utterance, voice_end_us, ended_us - voice_end_us, watch)
        committing, self._committing = self._committing, False
        self._follow(self._session.committed() if committing else self._session.speech_stopped(at_us))

    def partial(self, partial: Partial) -> None:
        item_id = self._session.utterance
        if item_id is not None:
            confirmed = " ".join(word.text for word in partial.confirmed)
            self._emit(TranscriptPartial(item_id, confirmed, partial.tentative))

    # Carrying out what follows.

    def _follow(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Recognise(item_id):
                    assert self._turn is not None
                    self._recognising.add(self._start(self._recognise(item_id, self._turn)))
                case Respond():
                    self._start(self._respond(outcome))
                case StopResponse(reason=reason):
                    self._responder.stop(reason)
                case _:
                    self._emit(outcome)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._recognising.discard)
        return task

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StreamsError as error:
            self._emit(SessionFailed(error))
        except Exception:
            self._log.exception("session.failed")
            self._emit(SessionFailed(StreamsError("something went wrong inside the server")))

    async def _recognise(self, item_id: str, turn: Turn) -> None:
        async with self._taking_turns:  # so that words are taken in in the order they were said
            try:
                transcript = await turn.utterance.finish(turn.voice_end_us)
            except StreamsError as error:
                self._emit(TranscriptFailed(item_id, error))
                return
            if words := transcript.words:
                start_us = max(words[0].start_us + turn.offset_us, 0)
                end_us = max(words[-1].end_us + turn.offset_us, start_us)
                await self._reading.hear(Heard(transcript.text, start_us, end_us, item_id, turn.watch))
            await self._responder.stopped()
            self._follow(self._session.recognised(item_id, transcript, turn.utterance.audio_us))

    async def _recognised(self) -> None:
        """Return once the words of every turn that has ended are known."""
        if self._recognising:
            await asyncio.wait([*self._recognising])

    async def _respond(self, command: Respond) -> None:
        await self._recognised()
        if self._in_order:
            await self._sight.drain()
        # Out of band, the question is still the conversation's to answer.
        heard = self._reading.take_pending() if command.in_conversation else self._reading.pending
        await self._responder.respond(command, heard)
