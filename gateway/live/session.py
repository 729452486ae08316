"""A running session: senses, memory and voice around the rules of ``streams.session``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from gateway.backend import Backend
from gateway.live.hearing import Ears
from gateway.live.input_reader import InputReader
from gateway.live.item_reader import ItemReader, written_text
from gateway.live.live import Emit, from_any_thread
from gateway.live.options_check import OptionsCheck
from gateway.live.reading import Reading, Said
from gateway.live.responder import Responder
from gateway.live.response import Stopwatch
from gateway.live.scope import SessionScope
from gateway.live.sight import FrameCounts, Sight
from gateway.live.sound_clock import SoundClock
from gateway.live.speaking_up import SpeakingUp
from gateway.live.tasks import Tasks
from gateway.live.turns import Turns
from llm.stream import Stream
from memory.notice import ignore
from memory.stats import MemoryStats
from speech.echo_gate import EchoGate
from streams.clock import Clock, ReplayClock
from streams.config import StreamsConfig
from streams.conversation import (
    FunctionCall,
    FunctionOutput,
    Item,
    Message,
    ResponseOptions,
    SessionOptions,
)
from streams.errors import InvalidRequestError, MemoryStoreError
from streams.outcome import HoldResponse, Outcome, Recognise, ReleaseResponse, Respond, StopResponse
from streams.session import Session
from streams.types import Image, Samples

SEEING_US = 500_000
"""How long an answer waits for frames that came before its question and are still being looked at."""

FAREWELL_S = 3.0
"""How long a session that ends may take to read what was said last."""


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
        session = self._session = Session(options, stream.memory.key.name)
        self.id = session.id
        self._stream = stream
        stream.memory.notify = from_any_thread(emit)
        reading = self._reading = Reading(backend, stream)
        sight = self._sight = Sight(backend, config.video, clock, stream, reading, emit)
        self._items = ItemReader(backend, sight, emit)
        self._input = InputReader(backend, self._items, reading, session.items, clock)
        self._tasks = Tasks(self.id, emit)
        scope, sound_clock = SessionScope(clock, self._tasks, emit, self._follow), SoundClock(clock)
        # Offline nobody plays what is said, and so nothing of it comes back.
        detector = backend.new_detector()
        self._echoes = None if self._in_order else EchoGate(detector, sound_clock.to_clock)
        responder = self._responder = Responder(
            backend,
            config,
            session,
            stream,
            reading,
            scope,
            load_pictures=sight.load_thumbnails,
            plays=self._echoes.sent if self._echoes else None,
        )
        ears = Ears(backend, config.speech, self._echoes or detector, sound_clock)
        self._turns = Turns(ears, session, reading, responder, scope)
        self._check = OptionsCheck(backend, reading)
        self.speaking_up = reading.observer = SpeakingUp(
            backend, config.llm, session, stream, reading, responder, scope
        )

    # What a client asks for.

    @property
    def options(self) -> SessionOptions:
        return self._session.options

    async def update(self, options: SessionOptions) -> None:
        await self._check(options, self._session.options)
        self.speaking_up.check(options.proactive)
        self._responder.abandon()
        before = self._session.options
        self._session.options = options
        if options.turn_detection != before.turn_detection:
            self._turns.configure(options.turn_detection)
        if options.instructions != before.instructions:
            self._tasks.start(self._reading.instruct(options.instructions))
        if options.offered:
            self._tasks.start(self._reading.prepare_tools(options.instructions, options.offered))
        if options.proactive != before.proactive:
            self.speaking_up.configure(options.proactive)

    async def append_audio(self, samples: Samples, rate: int) -> None:
        await self._turns.append(samples, rate)

    async def commit_audio(self) -> None:
        await self._turns.commit()

    def clear_audio(self) -> None:
        self._turns.clear()

    async def append_frame(self, image: Image, pts_us: int | None) -> None:
        await self._sight.append(image, pts_us)

    def clear_frames(self) -> None:
        self._sight.clear()

    async def add_item(self, item: Item, previous_item_id: str | None) -> None:
        watch = Stopwatch()
        await self._reading.check_text(written_text(item), "item")
        self._responder.abandon()
        self._follow(self._session.item_created(item, previous_item_id))
        text = ""
        if isinstance(item, Message):
            item = await self._items.understand(item)
            self._session.items.replace(item)
            text = written_text(item)
        await self._turns.recognised()  # what was said before the item comes before it
        now_us = self._clock.now_us()
        match item:
            case FunctionCall():
                await self._reading.take_call(now_us, item)
            case FunctionOutput():
                await self._reading.take_output(now_us, item, self._session.items.call_of(item).name)
            case Message(role="user") if text:
                await self._reading.hear(Said(text, now_us, now_us, item.id, watch))
            case Message() if text:
                await self._reading.take_message(now_us, item.role, text, item.id)

    def retrieve_item(self, item_id: str) -> None:
        self._follow(self._session.item_wanted(item_id))

    async def delete_item(self, item_id: str) -> None:
        self._session.items.get(item_id)
        if self._responder.writing(item_id):
            raise InvalidRequestError(f"item '{item_id}' is still being written", param="item_id")
        self._responder.abandon()
        await self._turns.recognised()
        await self._reading.forget(item_id)
        self._follow(self._session.item_removed(item_id))

    async def truncate_item(self, item_id: str, content_index: int, audio_end_us: int) -> None:
        self._session.items.get(item_id)
        self._responder.abandon()
        being_written = self._responder.writing(item_id) is not None
        text = self._responder.truncate(item_id, content_index, audio_end_us)
        changed = self._session.reply_text(item_id) != text
        self._follow(self._session.reply_truncated(item_id, content_index, audio_end_us, text))
        if changed and not being_written:
            await self._reading.reword(item_id, self._clock.now_us(), text)

    async def respond(self, options: ResponseOptions) -> str:
        await self._check(options.applied_to(self._session.options), self._session.options)
        await self._input.check(options.input or ())
        if options.in_conversation and self._session.speaks_unasked:
            self.speaking_up.expect_answer()
            self.cancel(None)
            await self._responder.stopped()
        outcomes = self._session.response_requested(options)
        self._follow(outcomes)
        return next(outcome.response_id for outcome in outcomes if isinstance(outcome, Respond))

    def cancel(self, response_id: str | None) -> None:
        self._follow(self._session.cancel_requested(response_id))

    def client_left(self) -> None:
        self._turns.speak_up_never()
        self._responder.hold("away")

    def client_returned(self, unheard_us: int) -> None:
        self._responder.replay(unheard_us)
        self._responder.release("away")
        if self._responder.silent_from_us and self._session.active_response is None:
            self._turns.wait_for_voice(self._responder.silent_from_us)

    async def drain(self) -> None:
        while True:
            await self._sight.drain()
            if not await self._tasks.wait():
                return

    async def close(self) -> None:
        for response_id in self._session.responses.active:
            self._responder.stop(response_id, "client_cancelled")
        self._turns.close()
        self.speaking_up.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._remember_what_was_said()
        await self._tasks.cancel()
        await self._responder.close()
        await self._sight.close()
        self._stream.memory.notify = ignore
        # Off the engine's thread: what is to be kept is written first, while others are answered.
        await asyncio.to_thread(self._stream.close)

    async def _remember_what_was_said(self) -> None:
        """A response that was stopped becomes memory as far as it was heard; so does what nobody answered."""
        await self._tasks.wait()
        await self._reading.overhear_pending()

    # What a client may look at.

    @property
    def stream(self) -> Stream:
        """What the session has read, for who asks on the engine's thread without asking the session."""
        return self._stream

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

    # Carrying out what follows.

    def _follow(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Recognise(item_id):
                    self._turns.recognise(item_id)
                case Respond():
                    self._tasks.start(self._respond(outcome))
                case HoldResponse():
                    self._responder.hold("voice")
                case ReleaseResponse():
                    self._responder.release("voice")
                case StopResponse(response_id, reason):
                    if response_id == self._session.active_response and self._echoes:
                        self._echoes.withdrawn(self._clock.now_us())
                    self._responder.stop(response_id, reason)
                case _:
                    self._emit(outcome)
        self.speaking_up.consider()

    async def _see(self) -> None:
        """What was shown before a question belongs to its answer; live that is waited for, but not long."""
        if self._in_order:
            await self._sight.drain()
        elif not self._responder.begun_ahead:
            await self._sight.catch_up(SEEING_US)

    async def _respond(self, command: Respond) -> None:
        if command.unasked is not None:
            self.speaking_up.said(await self._responder.respond(command, None))
        else:
            await self._answer(command)
        if command.in_conversation and not self._responder.away:
            self._turns.wait_for_voice(self._responder.silent_from_us)

    async def _answer(self, command: Respond) -> None:
        await self._turns.recognised()
        await self._see()
        if command.input is not None:
            await self._responder.respond(command, None, self._input.read(command.input))
        else:
            # Out of band, the question is still the conversation's to answer.
            heard = self._reading.take_pending() if command.in_conversation else self._reading.pending
            await self._responder.respond(command, heard)
