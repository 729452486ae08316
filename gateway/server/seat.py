"""A session and what its client asks of it and is told: what stays when a socket drops."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

from gateway.live.live import Live
from gateway.server.event_log import EventLog
from gateway.server.execution import execute
from gateway.server.metrics import Metrics
from gateway.server.outbox import Outbox
from gateway.server.throttle import Throttle
from gateway.server.time_limit import LimitReason, TimeLimit
from gateway.server.token import ResumeToken
from gateway.server.visit import Party
from gateway.wire.command import UpdateSession
from gateway.wire.protocol import RealtimeProtocol
from gateway.wire.server_event import ServerEvent, rate_limits_updated
from streams.config import ServerConfig, VideoConfig
from streams.errors import StreamsError
from streams.events import AudioDelta, Event, FramesDropped, ResponseCreated, ResponseDone
from streams.log import get_logger

EndingReason: TypeAlias = LimitReason | Literal["shutdown"]

log = get_logger(__name__)


class Occupant(Protocol):
    """The connection through which a client has its session."""

    outbox: Outbox

    @property
    def delay_ms(self) -> float | None:
        """How long a message is on its way to the client; None before that was measured."""
        ...

    def displace(self) -> None:
        """Another connection has the session now."""
        ...


class Seat:
    """Carries out requests one at a time, in order, and tells of events as they happen.

    A client that asked to be able to come back may lose its socket: what it is told is kept for it.
    """

    def __init__(
        self,
        live: Live,
        protocol: RealtimeProtocol,
        occupant: Occupant,
        *,
        party: Party,
        throttle: Throttle,
        server: ServerConfig,
        video: VideoConfig,
        metrics: Metrics,
        limit: TimeLimit,
    ) -> None:
        """``occupant`` is told first that the session was created."""
        self.party = party
        self._throttle = throttle
        self.token = ResumeToken()
        self.limit = limit
        self._live = live
        self._protocol = protocol
        self._occupant: Occupant | None = occupant
        self._log_bytes = server.resume_log_bytes
        self._video = video
        self._metrics = metrics
        self._events: EventLog | None = None
        self._request: asyncio.Task[None] | None = None
        self._received = 0
        self._answering: dict[str, asyncio.Event] = {}
        self._log = log.bind(session=live.id, tenant=party.tenant)
        self._send(protocol.session_created())

    @property
    def id(self) -> str:
        return self._live.id

    @property
    def resumable(self) -> bool:
        """Whether the client asked to be able to come back."""
        return self._events is not None

    # The sockets that come and go.

    def leave(self, occupant: Occupant) -> bool:
        """``occupant`` hears no more. False when the session was not its any more."""
        if self._occupant is not occupant:
            return False
        self._occupant = None
        return True

    def hold(self) -> None:
        """Nobody has the session now, but its client may come back."""
        self._live.client_left()

    def resume(self, occupant: Occupant, token: str, after: str) -> None:
        """``occupant`` has the session now, and is told first of ``token`` and then what came ``after``."""
        assert self._events is not None, "the client did not ask to come back"
        if self._occupant is not None:
            self._occupant.displace()
        replay = self._events.replay(after)
        first = [self._protocol.session_resumed(token, self._received)]
        if replay.gap:
            first.append(self._protocol.resume_gap())
        for event in first:
            self._events.precede(event["event_id"])
            occupant.outbox.put(_encoded(event))
        for message in replay.messages:
            occupant.outbox.put(message)
        self._occupant = occupant
        self._live.client_returned(replay.sound_us)
        self.limit.touch()
        self._log.info("session_resumed", replayed=len(replay.messages), gap=replay.gap)

    # What the client asks for.

    async def receive(self, message: str | bytes, occupant: Occupant) -> None:
        """Carry out a request; one whose socket drops meanwhile is still carried out to its end.

        What comes from a connection that has the session no more is not.
        """
        if self._request is not None and not self._request.done():  # of the socket before this one
            await asyncio.wait({self._request})
        if self._occupant is not occupant:
            return
        self._received += 1
        self.token.arrived()
        self._request = asyncio.create_task(self._carry_out(message))
        await asyncio.shield(self._request)

    async def _carry_out(self, message: str | bytes) -> None:
        """Whatever goes wrong with one request becomes an error event; the session goes on."""
        self.limit.begin()
        request = self._protocol.receive(message)
        try:
            await self._throttle.spend(request.command)
            if isinstance(request.command, UpdateSession):
                await self._update(request.command)
            else:
                await execute(request.command, self._live, self._protocol, self._video)
        except StreamsError as error:
            self._metrics.request_failed(error.code)
            self._send(self._protocol.error_to_send(error, request))
        except Exception as error:
            self._metrics.request_failed(StreamsError.code)
            self._log.exception("request_failed", request=type(request.command).__name__)
            self._send(self._protocol.error_to_send(error, request))
        finally:
            self.limit.finish()

    async def _update(self, update: UpdateSession) -> None:
        self._protocol.check_update(update)
        await self._live.update(update.settings.options)
        if update.settings.resume and self._events is None:
            # Not kept itself, for it holds the token: who has that has been told all that was before.
            self._send(updated := self._protocol.session_updated(update, self.token.issue()))
            self._events = EventLog(self._log_bytes, before=updated["event_id"])
            return
        if not update.settings.resume:
            self._events = None
        self._send(self._protocol.session_updated(update))

    # What the client is told.

    def emit(self, event: Event) -> None:
        """Tell the client of ``event``."""
        if isinstance(event, ResponseDone):
            event = self._heard(event)
        self._metrics.observe(event)
        if isinstance(event, ResponseCreated):
            self._throttle.response_created()
            self._answering[event.response_id] = asyncio.Event()
            self.limit.begin()
        if isinstance(event, FramesDropped):
            self._log.warning("frames_dropped", count=event.count, total=event.total, reason=event.reason)
        try:
            messages = self._protocol.event_to_send(event)
        except Exception as error:
            self._log.exception("event_not_sent", event_name=type(event).__name__)
            messages = [self._protocol.error_to_send(error)]
        sound_us = event.chunk.duration_us if isinstance(event, AudioDelta) else 0
        for message in messages:
            self._send(message, sound_us // len(messages))
        if isinstance(event, ResponseCreated) and (responses := self._throttle.responses) is not None:
            left, full_in_s = max(math.floor(responses.left), 0), responses.full_in_s
            self._send(rate_limits_updated(round(responses.burst), left, full_in_s))
        if isinstance(event, ResponseDone) and (done := self._answering.pop(event.response_id, None)):
            done.set()
            self.limit.finish()

    def _heard(self, done: ResponseDone) -> ResponseDone:
        """``done`` with the time at which the client began to hear the answer."""
        sent_ms = done.times.first_audio_ms
        delay_ms = self._occupant.delay_ms if self._occupant is not None else None
        if sent_ms is None or delay_ms is None:
            return done
        return replace(done, times=replace(done.times, heard_ms=round(sent_ms + delay_ms, 1)))

    def announce(self, reason: EndingReason, in_ms: int) -> None:
        """Tell the client, if it wants to know, that the session will end."""
        for event in self._protocol.session_ending(reason, in_ms):
            self._send(event)

    def tell(self, error: StreamsError) -> None:
        """Tell the client of something that no request of its caused."""
        self._send(self._protocol.error_to_send(error))

    async def answered(self) -> None:
        """Return when the answers that are being given now are done."""
        for done in [*self._answering.values()]:
            await done.wait()

    def _send(self, event: ServerEvent, sound_us: int = 0) -> None:
        message = _encoded(event)
        if self._events is not None:
            self._events.append(event["event_id"], message, sound_us)
        if self._occupant is not None:
            self._occupant.outbox.put(message)

    async def close(self) -> None:
        """End the session. What it remembers is kept where sessions are."""
        if self._request is not None:
            self._request.cancel()
            await asyncio.wait({self._request})
        await self._live.close()


def _encoded(event: ServerEvent) -> str:
    return json.dumps(event, allow_nan=False, separators=(",", ":"))
