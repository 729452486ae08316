"""One client's WebSocket: what it sends goes to its session, what happens there comes back to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from gateway.server.closing import CLOSE_TIMEOUT_S, FAREWELLS, OwnCloseCode, close, refuse
from gateway.server.metrics import Metrics
from gateway.server.outbox import Outbox
from gateway.server.seat import Seat
from gateway.server.session_table import SessionTable
from gateway.server.visit import Visit
from gateway.wire.client_event import SessionResume
from gateway.wire.parsing import parse_event, parse_object
from streams.config import ServerConfig
from streams.errors import InvalidRequestError, StreamsError
from streams.log import get_logger

RESUME_WITHIN_S = 5.0
"""How long a client that comes to resume a session may take to say which."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends, and what its socket is closed with; its session may wait if it ``returns``."""

    reason: str
    code: int
    text: str = ""
    returns: bool = False


TAKEN_OVER = Ending("taken_over", OwnCloseCode.TAKEN_OVER, "the session was resumed on another socket")
TOO_SLOW = Ending(
    "too_slow", CloseCode.TRY_AGAIN_LATER, "events are not read as fast as they come", returns=True
)
FAREWELL = Ending("shutdown", CloseCode.GOING_AWAY, "the server is shutting down")
LEFT = Ending("left", CloseCode.NORMAL_CLOSURE)
DROPPED = Ending("dropped", CloseCode.GOING_AWAY, returns=True)


class Connection:
    """Brings a client to its session and stays between them until either leaves.

    What waits is the reading: a session that is behind with hearing, or a client that does not read
    what it is sent, holds up that client's next request and nothing else.
    """

    def __init__(
        self,
        socket: ServerConnection,
        server: ServerConfig,
        outbox: Outbox,
        sessions: SessionTable,
        metrics: Metrics,
    ) -> None:
        self.outbox = outbox
        self._socket = socket
        self._server = server
        self._sessions = sessions
        self._metrics = metrics
        self._displaced = asyncio.Event()
        self._log = log

    @property
    def delay_ms(self) -> float | None:
        """Half the round trip of the last ping; None before the first came back."""
        return self._socket.latency * 500 or None

    def displace(self) -> None:
        self._displaced.set()

    async def run(self, visit: Visit) -> None:
        """Serve until either side closes. Then, or when this is cancelled, the session ends or waits."""
        try:
            seat = await self._seat(visit)
        except ConnectionClosed:
            return
        except StreamsError as error:
            log.warning(
                "session_refused",
                session=visit.session,
                tenant=visit.party.tenant,
                address=visit.party.address,
                error=error.message,
            )
            await self._refuse(error, error.code)
            return
        except Exception as error:
            log.exception("session_not_opened", session=visit.session, tenant=visit.party.tenant)
            await self._refuse(error, StreamsError.code)
            return
        with suppress(ConnectionClosed):  # which serving finds, too
            await self._socket.ping()  # the next is not due for long
        await self._serve(seat)

    async def _seat(self, visit: Visit) -> Seat:
        if not visit.resumes:
            return await self._sessions.open(visit, self)
        request = await self._resume_request()
        return self._sessions.resume(request.token, request.after, self, visit.party)

    async def _resume_request(self) -> SessionResume:
        try:
            async with asyncio.timeout(RESUME_WITHIN_S):
                message = await self._socket.recv()
        except TimeoutError:
            raise InvalidRequestError(f"No session.resume came within {RESUME_WITHIN_S:g} s") from None
        event = parse_event(parse_object(message)) if isinstance(message, str) else None
        if not isinstance(event, SessionResume):
            raise InvalidRequestError(
                "The first message on a connection opened with ?resume=1 is session.resume", param="type"
            )
        return event

    async def _refuse(self, error: Exception, code: str) -> None:
        self._metrics.session_refused(code)
        await refuse(self._socket, error)

    async def _serve(self, seat: Seat) -> None:
        self._log = log.bind(session=seat.id, tenant=seat.party.tenant)
        reason = "cancelled"
        try:
            ending = await self._ending(seat)
            reason = ending.reason
            self._log.info("connection_ends", reason=reason, code=self._socket.close_code)
            if ending.returns:
                self._sessions.keep(seat, self)
            await close(self._socket, ending.code, ending.text)
        finally:
            self.outbox.close()
            await self._sessions.leave(seat, self, reason)

    async def _ending(self, seat: Seat) -> Ending:
        """Serve until there is a reason to end; of several the first of these counts."""
        tasks = [
            asyncio.create_task(self._taken_over()),
            asyncio.create_task(self._too_slow()),
            asyncio.create_task(self._limit_reached(seat)),
            asyncio.create_task(self._farewell(seat)),
            asyncio.create_task(self._read(seat)),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._closed()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ended = [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return ended[0].result()

    async def _taken_over(self) -> Ending:
        await self._displaced.wait()
        return TAKEN_OVER

    async def _too_slow(self) -> Ending:
        await self.outbox.overflowed.wait()
        self._metrics.slow_client()
        self._log.warning("client_too_slow", waiting_bytes=self.outbox.size_bytes)
        return TOO_SLOW

    async def _limit_reached(self, seat: Seat) -> Ending:
        reason = await seat.limit.reached(seat.announce)
        if reason == "total":
            text = f"the session has lasted {self._server.max_session_s:g} s, the longest it may"
            ending, code = Ending(reason, OwnCloseCode.EXPIRED, text), "session_expired"
        else:
            text = f"nothing came from the client for {self._server.idle_timeout_s:g} s"
            ending, code = Ending(reason, OwnCloseCode.IDLE, text), "session_idle"
        seat.tell(InvalidRequestError(text, code=code))
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.outbox.flushed()
        return ending

    async def _farewell(self, seat: Seat) -> Ending:
        await self._sessions.farewell.wait()
        seat.announce("shutdown", round(self._server.farewell_s * 1_000))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._server.farewell_s):
                await seat.answered()
                await self.outbox.flushed()
        return FAREWELL

    async def _closed(self) -> Ending:
        await self._socket.wait_closed()
        return LEFT if self._socket.close_code in FAREWELLS else DROPPED

    async def _read(self, seat: Seat) -> Ending:
        try:
            async for message in self._socket:
                await seat.receive(message, self)
                await self.outbox.wait_for_room()
        except ConnectionClosed as closed:
            self._log.info("connection_lost", reason=str(closed))
        return await self._closed()

    async def _write(self) -> Ending:
        try:
            while True:
                await self._socket.send(await self.outbox.get())
                self.outbox.sent()
        except ConnectionClosed:
            return await self._closed()
