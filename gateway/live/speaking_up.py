"""Speaks up: from frames that meet a standing request to what is said of them, unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from gateway.backend import Backend
from gateway.live.reading import Reading, Said
from gateway.live.responder import Responder
from gateway.live.scope import SessionScope
from gateway.live.standing_blocks import StandingBlocks
from llm.stream import Stream
from memory.block import Block
from streams.clock import ReplayClock
from streams.config import LlmConfig
from streams.conversation import ProactiveMode
from streams.errors import InvalidRequestError
from streams.events import SessionFailed
from streams.identifier import new_id
from streams.initiative import Initiative
from streams.log import get_logger
from streams.request_phrase.recognition import Wish, recognise
from streams.request_phrase.stop import Stop, stopped_by
from streams.session import Session
from streams.standing_request import RequestKind, StandingRequest
from streams.types import US_PER_S
from streams.unasked import FrameJudged, HeldBack, StandingRequestsChanged, UnaskedSuppressed

ANSWER_EXPECTED_US = 2 * US_PER_S
"""Whose client has just told something is given so long to ask for the answer: that goes first."""

log = get_logger(__name__)


class SpeakingUp:
    """Around the rules of ``streams.initiative``: reads requests, judges frames, keeps time.

    Frames that come while something is said are read and judged all the same. On media time they wait for
    it, so that nothing depends on how fast the machine writes.
    """

    def __init__(
        self,
        backend: Backend,
        config: LlmConfig,
        session: Session,
        stream: Stream,
        reading: Reading,
        responder: Responder,
        scope: SessionScope,
    ) -> None:
        self._backend = backend
        self._session = session
        self._stream = stream
        self._reading = reading
        self._responder = responder
        self._clock = scope.clock
        self._in_order = isinstance(scope.clock, ReplayClock)
        self._tasks = scope.tasks
        self._emit = scope.emit
        self._follow = scope.follow
        self._rules = Initiative(
            gap_us=round(config.unasked_gap_s * US_PER_S), stale_us=round(config.unasked_stale_s * US_PER_S)
        )
        self._blocks = StandingBlocks(backend, stream, reading, lambda: self.requests)
        self._unread: dict[str, StandingRequest] = {}
        self._items: dict[str, str] = {}
        self._seen_us = 0
        self._expected_until_us = 0
        self._wake: asyncio.Task[None] | None = None
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._log = log.bind(session=session.id)

    @property
    def requests(self) -> tuple[StandingRequest, ...]:
        return self._rules.requests

    # What a session is to speak up about.

    def check(self, mode: ProactiveMode) -> None:
        """Raises InvalidRequestError where ``configure`` would."""
        self._rules.check_mode(mode)

    def configure(self, mode: ProactiveMode) -> None:
        """Speak up so from now on."""
        self._stream.standing.at_rest = mode == "off"
        self._tell(self._rules.mode_changed(mode, new_id("request"), self._clock.now_us()))
        for request in self._rules.requests:
            if mode != "off" and request.by_mode and request.id not in self._stream.standing:
                reading = self._blocks.read_message(request, self._clock.now_us())
                self._tasks.start(self._read(request, reading))

    async def add(self, text: str, kind: RequestKind, repeats: bool, request_id: str | None) -> None:
        """Somebody wants to be told; it is read as if it had been said now. Raises InvalidRequestError."""
        await self._reading.check_text(text, "text")
        now_us = self._clock.now_us()
        request = StandingRequest(request_id or new_id("request"), kind, text, repeats, now_us)
        self._tell(self._rules.added(request))
        await self._read(request, self._blocks.read_message(request, now_us))

    def cancel(self, request_id: str) -> None:
        """Raises InvalidRequestError when there is none of this id."""
        self._end(self._rules.get(request_id))

    def _end(self, request: StandingRequest) -> None:
        self._tell(self._rules.ended(request.id, "cancelled"))

    async def restore(self) -> None:
        """What stood when the session was left stands again, and rests until its client says otherwise."""
        kept = self._blocks.kept()
        self._rules.restored(tuple(request for request, _ in kept))
        for request, block_id in kept:
            if not await self._blocks.find(request, block_id):
                await self._blocks.read_alone(request)
        if kept:
            self._blocks.keep()

    async def _read(self, request: StandingRequest, reading: Awaitable[None]) -> None:
        """What could not be read is not looked out for, and does not stand."""
        try:
            await reading
        except Exception:
            if request in self.requests:
                self._end(request)
            raise
        self._blocks.keep()

    # What is read (ReadingObserver).

    def heard(self, heard: Said) -> None:
        self._expected_until_us = self._now_us + ANSWER_EXPECTED_US
        if self._rules.mode == "off":
            return
        match recognise(heard.text, standing=bool(self.requests)):
            case Wish(kind, text, repeats):
                request = StandingRequest(new_id("request"), kind, text, repeats, heard.start_us)
                try:
                    self._tell(self._rules.added(request))
                except InvalidRequestError as error:
                    self._emit(SessionFailed(error))
                else:
                    self._unread[heard.item_id] = request
                    self._items[request.id] = heard.item_id
            case Stop() as stop:
                for request in stopped_by(stop, self.requests):
                    self._end(request)
            case None:
                pass

    async def take_in(self, item_id: str) -> None:
        if request := self._unread.pop(item_id, None):
            await self._tasks.start(self._read(request, self._blocks.read_alone(request)))

    def became(self, item_id: str, block_id: int) -> None:
        for request in self.requests:
            if self._items.get(request.id) == item_id and not self._closed:
                # Where the item is the request and nothing else, it need not be before the model twice.
                self._tasks.start(self._replace(request, block_id))

    async def _replace(self, request: StandingRequest, block_id: int) -> None:
        if await self._blocks.find(request, block_id):
            self._blocks.keep()

    def forgotten(self, item_id: str) -> None:
        self._unread.pop(item_id, None)
        for request in self.requests:
            if self._items.get(request.id) == item_id:
                self._end(request)

    async def saw(self, block: Block, urge: float | None) -> None:
        speaking, at_us, shows = self._backend.reader.speaking, block.info.start_us, block.info.text
        self._seen_us = max(self._seen_us, at_us)
        if urge is not None and speaking is not None:
            request_id = (
                await self._backend.engine.run(lambda: self._stream.nearest_request(block))
                if speaking.speaks(urge)
                else None
            )
            speaks = request_id is not None
            self._emit(FrameJudged(at_us, urge, speaks))
            self._log.debug("frame_judged", at_s=at_us / US_PER_S, probability=round(urge, 4), speaks=speaks)
            if request_id in {request.id for request in self.requests}:
                assert request_id is not None
                self._tell(self._rules.met(request_id, at_us, shows))
            elif not speaks:
                self._tell(self._rules.silent(at_us))
        self.consider()
        if self._in_order:
            await self._idle.wait()

    # What is said.

    @property
    def _now_us(self) -> int:
        """On media time the frames that are read are behind those that were sent: theirs is what counts."""
        return self._seen_us if self._in_order else self._clock.now_us()

    def expect_answer(self) -> None:
        """An answer is asked for now: nothing comes before it."""
        self._expected_until_us = self._now_us + ANSWER_EXPECTED_US

    def consider(self) -> None:
        """Something has changed: say what is due, if that can be said now."""
        if self._closed:
            return
        if self._session.active_response is not None and not self._session.speaks_unasked:
            self._expected_until_us = 0  # it has come
        unasked, changes = self._rules.next(self._now_us, self._held_back_by, self._silent_from_us)
        self._tell(changes)
        if unasked is not None:
            self._idle.clear()
            self._log.info(
                "unasked", request=unasked.request_id, kind=unasked.kind, at_s=unasked.at_us / US_PER_S
            )
            self._follow(self._session.spoke_up(unasked))
        self._set_alarm()

    @property
    def _held_back_by(self) -> HeldBack | None:
        if self._responder.away:
            return "away"
        if held_by := self._session.held_back_by:
            return held_by
        return "turn" if self._now_us < self._expected_until_us else None

    @property
    def _silent_from_us(self) -> int:
        return 0 if self._in_order else self._responder.silent_from_us

    def said(self, anything: bool) -> None:
        """The unasked reply has ended; whether anything of it was heard."""
        self._tell(self._rules.said(anything, max(self._now_us, self._silent_from_us)))
        self._idle.set()
        self.consider()

    def _set_alarm(self) -> None:
        if self._wake is not None and self._wake is not asyncio.current_task():
            self._wake.cancel()
        self._wake = None
        at_us = self._rules.wakes_us(self._silent_from_us)
        if at_us is None or self._in_order:  # where frames drive it all
            return
        if self._now_us < self._expected_until_us:
            at_us = min(at_us, self._expected_until_us)
        self._wake = asyncio.create_task(self._consider_at(at_us))

    async def _consider_at(self, at_us: int) -> None:
        await self._clock.sleep_until(at_us)
        self.consider()

    def _tell(self, changes: Sequence[StandingRequestsChanged | UnaskedSuppressed]) -> None:
        for change in changes:
            match change:
                case StandingRequestsChanged(_, what, request_id):
                    self._log.info("standing_request", request=request_id, change=what)
                    if what != "added":
                        self._items.pop(request_id, None)
                        self._tasks.start(self._let_go(request_id))
                    self._blocks.keep()
                case UnaskedSuppressed(request_id, reason, at_us):
                    at_s = at_us / US_PER_S
                    self._log.info("unasked_suppressed", request=request_id, reason=reason, at_s=at_s)
            self._emit(change)

    async def _let_go(self, request_id: str) -> None:
        await self._blocks.let_go(request_id)
        self._blocks.keep()

    def close(self) -> None:
        self._closed = True
        if self._wake is not None:
            self._wake.cancel()
