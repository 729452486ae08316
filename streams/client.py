"""An ordinary client of the gateway: JSON, or the compact binary form, over a WebSocket."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from gateway.wire.binary import BinaryAppend, BinaryKind
from speech.audio import float_to_pcm16, pcm16_to_float
from streams.backlog import Backlog
from streams.errors import StreamsError
from streams.log import get_logger
from streams.ticket import Ticket, resume_url
from streams.types import US_PER_MS, Samples

WIRE_RATE = 24_000

KEPT_BYTES = 8 * 1024**2
"""Of what was sent: many times what may be on its way when a socket drops."""

PING_S = 15.0
FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 5.0

GONE_FOR_GOOD = frozenset({1000, 1001, 1008, 1009, 4001, 4002, 4003})
"""Codes by which the server says that there is nothing to come back to (docs/protocol.md)."""

ServerEvent: TypeAlias = dict[str, Any]

log = get_logger(__name__)


class RealtimeClient:
    """Connects while it is entered; hands every event from the server to ``on_event``.

    With ``resume`` a socket that drops is opened again for as long as the server keeps the session: events
    that were missed are handed on as if nothing had been, after a ``session.resumed``; what was sent and
    did not arrive is sent again, and what is sent meanwhile waits. Entering waits for the server to agree,
    or to refuse it with an ``error`` event.
    """

    def __init__(
        self,
        url: str,
        on_event: Callable[[ServerEvent], None],
        *,
        key: str | None = None,
        resume: bool = False,
    ) -> None:
        """``key`` is the one that the server asks for, where it asks for any."""
        self._url = url
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._on_event = on_event
        self._resume = resume
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._backlog = Backlog(KEPT_BYTES)
        self._sending = asyncio.Lock()
        self._settled = asyncio.Event()
        self._answered = asyncio.Event()
        self._ticket = Ticket()
        self._lost: StreamsError | None = None
        self._leaving = False
        self._opened = False
        self._refused = ""

    async def __aenter__(self) -> RealtimeClient:
        self._socket = await self._open(self._url)
        self._reader = asyncio.create_task(self._run(self._socket))
        if self._resume:
            try:
                await self.send("session.update", session={"type": "realtime", "streams": {"resume": True}})
                await self._answered.wait()
            except BaseException:
                self._socket.transport.abort()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reader is not None
        self._leaving = True
        if self._socket is not None:
            await self._socket.close()
        else:
            self._reader.cancel()
        await asyncio.wait({self._reader})
        if not self._reader.cancelled():
            self._reader.result()

    async def _open(self, url: str) -> ClientConnection:
        # Offline media outrun the pings behind them: only who would come back asks whether anybody is there.
        ping_s = PING_S if self._resume else None
        return await connect(
            url,
            additional_headers=self._headers,
            max_size=None,
            compression=None,
            ping_interval=ping_s,
        )

    # What comes, over one socket after another.

    async def _run(self, socket: ClientConnection) -> None:
        await self._read(socket)
        while self._returns(socket):
            self._socket = None
            self._settled.clear()
            log.warning("connection_lost", code=socket.close_code)
            try:
                async with asyncio.timeout(self._ticket.grace_s):
                    socket, received = await self._come_back()
            except TimeoutError:
                self._lose("the server could not be reached in time")
                return
            except StreamsError as refused:
                self._lose(refused.message)
                return
            again = asyncio.create_task(self._send_again(socket, received))
            try:
                await self._read(socket)
            finally:
                socket.transport.abort()
                await asyncio.wait({again})
        reason = socket.close_reason or f"the server closed with {socket.close_code}"
        self._lose(self._refused or reason)

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in socket:
                event = json.loads(message)
                match event:
                    case {"type": "session.created"}:
                        self._opened = True
                    case {"type": "error", "error": {"message": message}} if not self._opened:
                        self._refused = message
                if self._resume:
                    self._note(event)
                self._on_event(event)

    def _note(self, event: ServerEvent) -> None:
        self._ticket.note(event)
        if self._ticket.token is not None or event["type"] == "error":
            self._answered.set()

    def _returns(self, socket: ClientConnection) -> bool:
        is_over = self._leaving or socket.close_code in GONE_FOR_GOOD
        return self._resume and self._ticket.token is not None and not is_over

    def _lose(self, reason: str) -> None:
        self._answered.set()
        what = "the session is lost" if self._opened else "no session was opened"
        self._lost = StreamsError(f"{what}: {reason}", code="connection_lost")
        self._settled.set()

    async def _come_back(self) -> tuple[ClientConnection, int]:
        """A new socket to the session, and how many messages had arrived there. Raises StreamsError."""
        retry_s = FIRST_RETRY_S
        while True:
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))  # not every client of a server at once
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            with suppress(OSError, InvalidHandshake, ConnectionClosed):
                socket = await self._open(resume_url(self._url))
                try:
                    await socket.send(json.dumps(self._ticket.request()))
                    event = json.loads(await socket.recv())
                    self._on_event(event)
                    if event["type"] == "session.resumed":
                        self._ticket.note(event)
                        return socket, event["received"]
                    if event["error"]["code"] == "resume_failed":
                        raise StreamsError(event["error"]["message"])
                    await socket.close()
                except BaseException:
                    socket.transport.abort()
                    raise

    async def _send_again(self, socket: ClientConnection, received: int) -> None:
        async with self._sending:
            if lost := self._backlog.missing(received):
                log.warning("messages_lost", count=lost)
            with suppress(ConnectionClosed):
                for message in self._backlog.after(received):
                    await socket.send(message)
                self._socket = socket
                self._settled.set()

    async def lost(self) -> StreamsError:
        """Return once the session has ended without this client's leaving: why."""
        assert self._reader is not None
        await asyncio.wait({self._reader})
        self._reader.result()
        assert self._lost is not None
        return self._lost

    # What is sent.

    async def send(self, event_type: str, **fields: Any) -> None:
        """Send an event; with ``resume`` raises StreamsError once the session is lost."""
        await self._send(json.dumps({"type": event_type, **fields}))

    async def _send(self, message: str | bytes) -> None:
        if not self._resume:
            assert self._socket is not None, "the client is not connected"
            await self._socket.send(message)
            return
        while self._lost is None and self._socket is None and not self._backlog.has_room(message):
            await self._settled.wait()
        if self._lost is not None:
            raise self._lost
        async with self._sending:
            self._backlog.append(message)
            if self._socket is not None:
                with suppress(ConnectionClosed):  # then it is sent over the next one
                    await self._socket.send(message)

    async def append_audio(self, samples: Samples, *, binary: bool = False) -> None:
        """Send sound, float32 mono at 24 kHz; ``binary`` spares both sides the base64."""
        pcm = float_to_pcm16(samples)
        if binary:
            await self._send(BinaryAppend(BinaryKind.AUDIO, pcm).pack())
        else:
            await self.send("input_audio_buffer.append", audio=_base64(pcm))

    async def append_frame(self, encoded: bytes, timestamp_ms: int, *, binary: bool = False) -> None:
        """Send a picture: the bytes of a JPEG, PNG or WebP."""
        if binary:
            append = BinaryAppend(BinaryKind.IMAGE, encoded, timestamp_ms * US_PER_MS)
            await self._send(append.pack())
        else:
            await self.send("input_video_buffer.append", image=_base64(encoded), timestamp_ms=timestamp_ms)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def audio_of(event: ServerEvent) -> Samples:
    """The sound in a ``response.output_audio.delta``."""
    return pcm16_to_float(base64.b64decode(event["delta"]))


def response_id_of(event: ServerEvent) -> str:
    """The response that ``event`` is about; "" when it is about none."""
    about: str = event["response"]["id"] if "response" in event else event.get("response_id", "")
    return about
