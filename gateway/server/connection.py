"""One client's WebSocket: what it sends goes to its session, what happens there comes back to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from gateway.live.live import Emit, Live
from gateway.server.outbox import Outbox
from gateway.wire import command as wanted
from gateway.wire.protocol import RealtimeProtocol
from gateway.wire.server_event import ServerEvent, error_to_wire, stamped
from streams.config import ServerConfig, VideoConfig
from streams.errors import StreamsError
from streams.events import Event, FramesDropped
from streams.log import get_logger

CLOSE_TIMEOUT_S = 2.0

log = get_logger(__name__)


class OpenSession(Protocol):
    """Makes a session that tells what happens in it through ``emit``.

    ``model`` and ``session`` are what the client named; a session that was there before goes on.
    Raises StreamsError when there can be none.
    """

    def __call__(self, model: str, session: str | None, emit: Emit) -> Awaitable[Live]: ...


@dataclass(slots=True)
class Counters:
    """What a server saw since it started."""

    sessions: int = 0
    refused: int = 0
    slow_clients: int = 0
    frames_dropped: int = 0


class Connection:
    """Carries out a client's requests one at a time, in order, and tells it of events as they happen.

    What waits is the reading: a session that is behind with hearing, or a client that does not read
    what it is sent, holds up that client's next request and nothing else.
    """

    def __init__(
        self,
        socket: ServerConnection,
        server: ServerConfig,
        video: VideoConfig,
        outbox: Outbox,
        counters: Counters,
    ) -> None:
        self._socket = socket
        self._max_audio_bytes = server.max_audio_append_bytes
        self._video = video
        self._outbox = outbox
        self._counters = counters
        self._protocol: RealtimeProtocol | None = None
        self._early: list[Event] = []
        self._log = log

    async def run(self, model: str, session: str | None, open_session: OpenSession) -> None:
        """Serve until either side closes. The session is closed when this returns or is cancelled."""
        try:
            live = await open_session(model, session, self._emit)
        except StreamsError as error:
            log.warning("session_refused", model=model, session=session, error=error.message)
            await self._refuse(error)
            return
        except Exception as error:
            log.exception("session_not_opened", model=model)
            await self._refuse(error)
            return
        self._log = log.bind(session=live.id)
        self._counters.sessions += 1
        self._log.info("session_opened", model=model)
        try:
            protocol = RealtimeProtocol(
                live.id, model, live.options, max_audio_bytes=self._max_audio_bytes, thumbnail=live.thumbnail
            )
            self._send(protocol.session_created())
            self._protocol = protocol
            for event in self._early:
                self._emit(event)
            await self._serve(live, protocol)
        finally:
            self._outbox.close()
            await live.close()
            self._log.info("session_closed", code=self._socket.close_code)

    async def _refuse(self, error: Exception) -> None:
        try:
            param = error.param if isinstance(error, StreamsError) else None
            await self._socket.send(json.dumps(stamped(error_to_wire(error, event_id=None, param=param))))
            await self._socket.close(CloseCode.INTERNAL_ERROR, "no session could be opened")
        except ConnectionClosed:
            pass

    async def _serve(self, live: Live, protocol: RealtimeProtocol) -> None:
        overflow = asyncio.create_task(self._outbox.overflowed.wait())
        tasks = {
            overflow,
            asyncio.create_task(self._read(live, protocol)),
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
            self._counters.slow_clients += 1
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

    async def _read(self, live: Live, protocol: RealtimeProtocol) -> None:
        try:
            async for message in self._socket:
                await self._handle(message, live, protocol)
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

    async def _handle(self, message: str | bytes, live: Live, protocol: RealtimeProtocol) -> None:
        """Whatever goes wrong with one request becomes an error event; the session goes on."""
        request = protocol.receive(message)
        try:
            await self._execute(request.command, live, protocol)
        except StreamsError as error:
            self._send(protocol.error_to_send(error, request))
        except Exception as error:
            self._log.exception("request_failed", request=type(request.command).__name__)
            self._send(protocol.error_to_send(error, request))

    async def _execute(self, command: wanted.Command, live: Live, protocol: RealtimeProtocol) -> None:
        match command:
            case wanted.UpdateSession(settings):
                live.update(settings.options)
                self._send(protocol.session_updated(command))
            case wanted.AppendAudio(samples, rate):
                if len(samples):
                    await live.append_audio(samples, rate)
            case wanted.CommitAudio():
                await live.commit_audio()
            case wanted.ClearAudio():
                live.clear_audio()
            case wanted.AppendFrame(pts_us=pts_us):
                await live.append_frame(await asyncio.to_thread(command.decoded, self._video), pts_us)
            case wanted.ClearFrames():
                live.clear_frames()
            case wanted.AddItem(previous_item_id=previous):
                await live.add_item(await asyncio.to_thread(command.decoded, self._video), previous)
            case wanted.RetrieveItem(item_id):
                live.retrieve_item(item_id)
            case wanted.TruncateItem(item_id, index, end_us):
                await live.truncate_item(item_id, index, end_us)
            case wanted.DeleteItem(item_id):
                await live.delete_item(item_id)
            case wanted.CreateResponse(options, metadata):
                protocol.expect_response(metadata)
                try:
                    await live.respond(options)
                except BaseException:
                    protocol.expect_response(None)
                    raise
            case wanted.CancelResponse(response_id):
                live.cancel(response_id)
            case wanted.Refuse(error):
                raise error

    def _emit(self, event: Event) -> None:
        if self._protocol is None:
            self._early.append(event)
            return
        if isinstance(event, FramesDropped):
            self._counters.frames_dropped += event.count
            self._log.warning("frames_dropped", count=event.count, total=event.total, reason=event.reason)
        try:
            messages = self._protocol.event_to_send(event)
        except Exception as error:
            self._log.exception("event_not_sent", event_name=type(event).__name__)
            messages = [self._protocol.error_to_send(error)]
        for message in messages:
            self._send(message)

    def _send(self, message: ServerEvent) -> None:
        self._outbox.put(json.dumps(message, allow_nan=False, separators=(",", ":")))
