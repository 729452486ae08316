"""Answers what a session was asked: one response in the conversation at a time, and others beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from gateway.backend import Backend
from gateway.live.ahead import Ahead
from gateway.live.newest import Newest
from gateway.live.playback import replayed_until
from gateway.live.reading import Reading, Said
from gateway.live.response import Delivery, LoadPictures, Plays, Response, Sent, Stopwatch
from gateway.live.scope import SessionScope
from gateway.live.speaker import Hold
from llm.answer import Answer, Given
from llm.answer_ahead import AnswerAhead
from llm.question import Question
from llm.stream import Stream
from speech.tts import Synthesizer
from streams.config import StreamsConfig
from streams.conversation import FunctionCall, Item, Message, SessionOptions
from streams.errors import InvalidRequestError, StreamsError
from streams.events import ResponseDone, ResponseItemAdded, StatusReason
from streams.item_list import MAX_ITEMS
from streams.log import get_logger
from streams.outcome import Respond
from streams.pipeline import URGENT
from streams.session import Session
from streams.types import US_PER_MS

log = get_logger(__name__)

AnswerType = TypeVar("AnswerType", bound=Answer)


class Responder:
    """Writes responses into one session's stream."""

    def __init__(
        self,
        backend: Backend,
        config: StreamsConfig,
        session: Session,
        stream: Stream,
        reading: Reading,
        scope: SessionScope,
        *,
        load_pictures: LoadPictures,
        plays: Plays | None,
    ) -> None:
        self._backend = backend
        self._speculates = config.speech.speculate
        self._session = session
        self._stream = stream
        self._reading = reading
        self._clock = scope.clock
        self._emit = scope.emit
        self._follow = scope.follow
        self._delivery = Delivery(
            backend.engine,
            backend.synthesizer_worker,
            scope.clock,
            scope.emit,
            load_pictures,
            plays,
            config.speech.min_clause_chars,
            config.speech.lead_ms,
            paced=not scope.in_order,
        )
        self._running: dict[str, Response] = {}
        self._stops: dict[str, StatusReason] = {}
        self._holds: set[Hold] = set()
        self._ahead = Ahead(backend, scope.clock, config.speech.min_clause_chars)
        self.silent_from_us = 0
        """When the sound that was sent last has been played."""
        self._sent: Newest[str, Sent] = Newest(MAX_ITEMS)
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def _response(self) -> Response | None:
        """The conversation's, once it has begun."""
        return self._running.get(self._session.active_response or "")

    def stop(self, response_id: str, reason: StatusReason) -> None:
        """Stop an active response, also one that has yet to begin."""
        self._stops.setdefault(response_id, reason)
        if response := self._running.get(response_id):
            response.stop(reason)

    def hold(self, why: Hold) -> None:
        """The conversation's response, also one that has yet to begin, sends no sound until ``release``.

        A client that is away holds all, and those that follow, too.
        """
        self._holds.add(why)
        for response in self._held_by(why):
            response.hold(why)

    def release(self, why: Hold) -> None:
        self._holds.discard(why)
        for response in self._held_by(why):
            response.release(why)

    def _held_by(self, why: Hold) -> list[Response]:
        if why == "away":
            return [*self._running.values()]
        return [self._response] if self._response else []

    @property
    def away(self) -> bool:
        """Whether the client is."""
        return "away" in self._holds

    def replay(self, unheard_us: int) -> None:
        """Of the sound sent last ``unheard_us`` had not arrived, and are sent again now."""
        self.silent_from_us = replayed_until(self.silent_from_us, unheard_us, self._clock.now_us())
        if self._response is not None:
            self._response.replay(unheard_us)

    @property
    def spoken_lately(self) -> str:
        """What a loudspeaker may be saying: the last reply that was spoken, and the one that is being."""
        last = next(reversed(self._sent.values()), None)
        now = self._response.sent if self._response else None
        return " ".join(sent.spoken.text for sent in (last, now) if sent)

    async def stopped(self) -> None:
        """Return once no response is active that was told to stop."""
        if self._session.active_response in self._stops:
            await self._idle.wait()

    def writing(self, item_id: str) -> Response | None:
        """The response that writes this item now."""
        return next((each for each in self._running.values() if each.item_id == item_id), None)

    def truncate(self, item_id: str, content_index: int, audio_end_us: int) -> str:
        """What of a spoken reply was heard, as its client tells. Raises InvalidRequestError.

        The one that is being given is remembered so far.
        """
        response = self.writing(item_id)
        sent = response.sent if response else self._sent.get(item_id)
        if sent is None:
            raise InvalidRequestError(f"item '{item_id}' is no spoken reply", param="item_id")
        if content_index:
            raise InvalidRequestError("a reply has one part, which is 0", param="content_index")
        if audio_end_us >= sent.duration_us + US_PER_MS:  # clients round up
            message = f"of item '{item_id}' {sent.duration_us // US_PER_MS} ms were sent"
            raise InvalidRequestError(message, param="audio_end_ms")
        if response:
            response.truncate(audio_end_us)
        return sent.spoken.until(audio_end_us)

    async def respond(
        self, command: Respond, heard: Said | None, given: Awaitable[Given] | None = None
    ) -> bool:
        """Answer ``heard``, or go on from what was seen and said when it is None; emits ResponseDone.

        With ``given`` the answer is to that, and to nothing else. False when nothing of it was heard.
        """
        if command.in_conversation:
            self._idle.clear()
        response = self._open(command, heard)
        reply: tuple[Message | FunctionCall, str | None] | None = None

        def begin(call: str | None) -> Item:
            nonlocal reply
            reply = self._session.reply_started(command.in_conversation, call)
            self._emit(ResponseItemAdded(response.id, *reply))
            return reply[0]

        error: StreamsError | None = None
        try:
            if stop := self._stops.get(response.id):
                response.stop(stop)
            for why in self._holds:
                if response in self._held_by(why):
                    response.hold(why)
            if given is not None:
                response.answer.give(await given)
            await response.run(begin)
            keep = response.kept_tokens
            kept = await self._backend.engine.run(
                lambda: response.answer.finish(self._clock.now_us(), keep), URGENT
            )
            self._reading.became(heard.item_id if heard else "", kept.question)
            self._reading.became(response.item_id, kept.reply)
        except StreamsError as failure:
            error = failure
        except Exception:
            log.exception("response.failed", session=self._session.id, response=response.id)
            error = StreamsError("the response failed inside the server")
        finally:
            del self._running[response.id]
            self._stops.pop(response.id, None)
            self.silent_from_us = max(self.silent_from_us, response.silent_from_us)
            if response.sent.duration_us:
                self._sent[response.item_id] = response.sent
            outcomes = self._session.response_finished(response.id)
            if command.in_conversation:
                self._holds.discard("voice")
                self._idle.set()
        self._emit(self._done(command, response, reply[0] if reply else None, error))
        self._follow(outcomes)
        return bool(response.kept_text)

    def _open(self, command: Respond, heard: Said | None) -> Response:
        options = command.options
        now_us = self._clock.now_us()
        unasked = command.unasked
        question = (
            Question(heard.text, heard.start_us, heard.end_us)
            if heard
            else Question("", now_us, now_us, unasked is not None, unasked.seeks if unasked else "")
        )
        voice: Synthesizer = self._backend.synthesizer
        begun = self._ahead.take(heard.text, options) if heard and command.in_conversation else None
        if begun is not None:
            answer: Answer = begun.answer
            voice = begun.voice
        else:
            answer = self._answer(Answer, question, options, remember=command.in_conversation)
        response = self._running[command.response_id] = Response(
            command.response_id,
            answer,
            options,
            voice,
            self._delivery,
            heard.watch if heard else Stopwatch(),
        )
        if heard is not None and heard.ended_ms is not None:
            response.mark("end_of_speech", heard.ended_ms)
        response.mark("transcript")
        return response

    def _answer(
        self, kind: type[AnswerType], question: Question, options: SessionOptions, *, remember: bool
    ) -> AnswerType:
        return kind(
            self._stream,
            question,
            max_tokens=options.max_output_tokens,
            instructions=options.instructions,
            tools=options.offered,
            must_call=options.must_call,
            remember=remember,
        )

    def prepare(self, text: str, start_us: int, end_us: int) -> None:
        """Begin to answer ``text``, said in that time, which may be all that is said."""
        if self._speculates:
            options, question = self._session.options, Question(text, start_us, end_us)
            self._ahead.begin(
                text, options, lambda: self._answer(AnswerAhead, question, options, remember=True)
            )

    @property
    def begun_ahead(self) -> bool:
        return self._ahead.begun

    def abandon(self) -> None:
        """What was begun ahead of its question is not what will be asked, or not of memory as it is now."""
        self._ahead.drop()

    async def close(self) -> None:
        await self._ahead.close()

    def _done(
        self,
        command: Respond,
        response: Response,
        item: Message | FunctionCall | None,
        error: StreamsError | None,
    ) -> ResponseDone:
        status, reason = response.ended(error)
        if item is not None:
            item = self._session.reply_finished(
                item, response.kept_text, command.options, complete=status == "completed"
            )
        answer = response.answer
        return ResponseDone(
            response.id,
            status,
            reason,
            item,
            command.options,
            command.in_conversation,
            context_tokens=answer.context_tokens,
            input_tokens=answer.input_tokens,
            output_tokens=len(answer.written),
            times=response.times,
            error=error,
        )
