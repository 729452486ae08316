"""One client's WebSocket: what it sends goes to its session, what happens there comes back to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from gateway.live.live import Emit, Live
from gateway.server.admission import Visit
from gateway.server.metrics import Metrics
from gateway.server.outbox import Outbox
from gateway.server.relay import Relay
from gateway.server.seat import Seat
from gateway.wire.protocol import RealtimeProtocol
from gateway.wire.server_event import error_to_wire, stamped
from streams.config import ServerConfig, VideoConfig
from streams.errors import StreamsError
from streams.log import get_logger

CLOSE_TIMEOUT_S = 2.0

log = get_logger(__name__)


class OpenSession(Protocol):
    """Makes a session that tells what happens in it through ``emit``.

    ``model`` and ``session`` are what the client named; a session that was there before goes on.
    Raises StreamsError when there can be none.
    """

    def __call__(self, model: str, session: str | None, emit: Emit) -> Awaitable[Live]: ...


class Connection:
    """Brings a client to its session and stays between them until either leaves.

    What waits is the reading: a session that is behind with hearing, or a client that does not read
    what it is sent, holds up that client's next request and nothing else.
    """

    def __init__(
        self,
        socket: ServerConnection,
        server: ServerConfig,
        video: VideoConfig,
        outbox: Outbox,
        metrics: Metrics,
    ) -> None:
        self._socket = socket
        self._max_audio_bytes = server.max_audio_append_bytes
        self._video = video
        self._outbox = outbox
        self._metrics = metrics
        self._log = log

    async def run(self, visit: Visit, open_session: OpenSession) -> None:
        """Serve until either side closes. The session is closed when this returns or is cancelled."""
        model = visit.model
        relay = Relay()
        try:
            live = await open_session(model, visit.session, relay.emit)
        except StreamsError as error:
            log.warning("session_refused", model=model, session=visit.session, error=error.message)
            await self._refuse(error, error.code)
            return
        except Exception as error:
            log.exception("session_not_opened", model=model)
            await self._refuse(error, StreamsError.code)
            return
        self._log = log.bind(session=live.id)
        self._metrics.session_opened()
        self._log.info("session_opened", model=model)
        try:
            protocol = RealtimeProtocol(
                live.id, model, live.options, max_audio_bytes=self._max_audio_bytes, thumbnail=live.thumbnail
            )
            seat = Seat(live, protocol, self._outbox, self._video, self._metrics)
            relay.pass_to(seat.emit)
            await self._serve(seat)
        finally:
            self._outbox.close()
            self._metrics.session_closed()
            await live.close()
            self._log.info("session_closed", code=self._socket.close_code)

    async def _refuse(self, error: Exception, code: str) -> None:
        self._metrics.session_refused(code)
        try:
            param = error.param if isinstance(error, StreamsError) else None
            await self._socket.send(json.dumps(stamped(error_to_wire(error, event_id=None, param=param))))
            await self._socket.close(CloseCode.INTERNAL_ERROR, "no session could be opened")
        except ConnectionClosed:
            pass

    async def _serve(self, seat: Seat) -> None:
        overflow = asyncio.create_task(self._outbox.overflowed.wait())
        tasks = {
            overflow,
            asyncio.create_task(self._read(seat)),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._socket.wait_closed()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if overflow in done:
            self._metrics.slow_client()
            self._log.warning("client_too_slow", waiting_bytes=self._outbox.size_bytes)
            await self._close_now(CloseCode.TRY_AGAIN_LATER, "events are not read as fast as they come")
        for task in done:
            task.result()

    async def _close_now(self, code: CloseCode, reason: str) -> None:
        """Close, without waiting long for a client that may not even read that."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.close(code, reason)
        except TimeoutError:
            self._socket.transport.abort()

    async def _read(self, seat: Seat) -> None:
        try:
            async for message in self._socket:
                await seat.receive(message)
                await self._outbox.wait_for_room()
        except ConnectionClosed as closed:
            self._log.info("connection_lost", reason=str(closed))

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send(await self._outbox.get())
                self._outbox.sent()
        except ConnectionClosed:
            return
