"""A session that only writes down what is said: nothing is answered, and nothing remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NoReturn

from gateway.backend import Backend
from gateway.live.hearing import Ears, Hearing
from gateway.live.live import Emit
from gateway.live.sound_clock import SoundClock
from gateway.live.tasks import Tasks
from gateway.live.utterance import Utterance
from speech.streaming import Partial
from streams.clock import Clock
from streams.config import SpeechConfig
from streams.conversation import Item, ResponseOptions, SessionOptions
from streams.errors import InvalidRequestError, StreamsError
from streams.events import TranscriptFailed, TranscriptPartial
from streams.outcome import HoldResponse, Outcome, Recognise, ReleaseResponse, Respond, StopResponse
from streams.session import Session
from streams.standing_request import RequestKind, StandingRequest
from streams.types import Image, Samples

NOTHING_UNASKED = "A transcription tells nothing but what was said"


class NothingUnasked:
    """Of a session that does not speak at all."""

    requests: tuple[StandingRequest, ...] = ()

    async def add(self, text: str, kind: RequestKind, repeats: bool, request_id: str | None) -> None:
        _refuse(NOTHING_UNASKED)

    def cancel(self, request_id: str) -> None:
        _refuse(NOTHING_UNASKED)


class TranscriptionSession:
    """``Live`` without a language model: what asks for one is refused. The handler of its own hearing."""

    def __init__(
        self, backend: Backend, config: SpeechConfig, options: SessionOptions, clock: Clock, emit: Emit
    ) -> None:
        """``options`` are of a transcription: their turn detection creates no response."""
        self._session = Session(options)
        self.id = self._session.id
        self.speaking_up = NothingUnasked()
        self._emit = emit
        self._tasks = Tasks(self.id, emit)
        # Nothing is ever said here, and so nothing of it can come back: no echo is looked for.
        ears = Ears(backend, config, backend.new_detector(), SoundClock(clock))
        self._hearing = Hearing(ears, options.turn_detection, self._tasks, self)
        self._ended: tuple[Utterance, int] | None = None
        self._in_turn = asyncio.Lock()

    # What a client asks for.

    @property
    def options(self) -> SessionOptions:
        return self._session.options

    async def update(self, options: SessionOptions) -> None:
        before, self._session.options = self._session.options, options
        if options.turn_detection != before.turn_detection:
            self._hearing.configure(options.turn_detection)

    async def append_audio(self, samples: Samples, rate: int) -> None:
        await self._hearing.push(samples, rate)

    async def commit_audio(self) -> None:
        if self._session.utterance is None:
            self._follow(self._session.committed())
        await self._hearing.commit()

    def clear_audio(self) -> None:
        self._hearing.clear()
        self._follow(self._session.cleared())

    def retrieve_item(self, item_id: str) -> None:
        self._follow(self._session.item_wanted(item_id))

    async def delete_item(self, item_id: str) -> None:
        self._session.items.get(item_id)
        await self._tasks.wait()  # what is being recognised is told before its item goes
        self._follow(self._session.item_removed(item_id))

    def client_left(self) -> None:
        """There is no sound that would wait for it."""

    def client_returned(self, unheard_us: int) -> None:
        """And none that it did not hear."""

    async def drain(self) -> None:
        while await self._tasks.wait():
            pass

    async def close(self) -> None:
        self._hearing.close()
        await self._tasks.cancel()

    # What is not asked of such a session.

    def thumbnail(self, block_id: int) -> bytes | None:
        return None

    async def append_frame(self, image: Image, pts_us: int | None) -> None:
        _refuse("sees nothing")

    def clear_frames(self) -> None:
        _refuse("sees nothing")

    async def add_item(self, item: Item, previous_item_id: str | None) -> None:
        _refuse("is told nothing but sound")

    async def truncate_item(self, item_id: str, content_index: int, audio_end_us: int) -> None:
        _refuse("answers nothing")

    async def respond(self, options: ResponseOptions) -> str:
        _refuse("answers nothing")

    def cancel(self, response_id: str | None) -> None:
        _refuse("answers nothing")

    # What hearing reports (HearingHandler).

    def speech_started(self, at_us: int, utterance: Utterance) -> None:
        self._follow(self._session.speech_started(at_us))

    def speech_paused(self, utterance: Utterance) -> None:
        """There is no answer to begin."""

    def speech_resumed(self) -> None:
        """It interrupts nobody."""

    def speech_stopped(self, at_us: int, voice_end_us: int, utterance: Utterance) -> None:
        self._ended = utterance, voice_end_us
        ended = self._session.committed() if utterance.committed else self._session.speech_stopped(at_us)
        self._follow(ended)

    def partial(self, utterance: Utterance, partial: Partial) -> None:
        if (item_id := self._session.utterance) is not None:
            self._emit(TranscriptPartial(item_id, utterance.take_confirmed(), partial.tentative))

    # Carrying out what follows.

    def _follow(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome:
                case Recognise(item_id):
                    assert self._ended is not None, "no turn has ended"
                    self._tasks.start(self._recognise(item_id, *self._ended))
                case Respond() | HoldResponse() | ReleaseResponse() | StopResponse():
                    raise AssertionError("a transcription answers nothing")
                case _:
                    self._emit(outcome)

    async def _recognise(self, item_id: str, utterance: Utterance, voice_end_us: int) -> None:
        async with self._in_turn:  # so that words are told in the order they were said
            try:
                transcript = await utterance.finish(voice_end_us)
            except StreamsError as error:
                self._emit(TranscriptFailed(item_id, error))
                return
            self._follow(self._session.recognised(item_id, transcript, utterance.audio_us))


def _refuse(why: str) -> NoReturn:
    message = f"A transcription session {why}: open one without intent=transcription"
    raise InvalidRequestError(message, param="type", code="unsupported_event")
