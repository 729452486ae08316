"""The WebSocket server: who may connect, how many, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from gateway.page.answer import page_answer
from gateway.page.files import page_file
from gateway.server.connection import CLOSE_TIMEOUT_S, Connection, OpenSession
from gateway.server.counters import Counters
from gateway.server.outbox import Outbox
from streams.config import ServerConfig, VideoConfig
from streams.errors import ConfigError
from streams.log import get_logger

PATH = "/v1/realtime"
EVERYWHERE = ("0.0.0.0", "::", "")
DEFAULT_MODEL = "streams"
REALTIME = Subprotocol("realtime")

OUTBOX_BYTES = 8 * 1024**2
"""About two minutes of speech; a client further behind than that does not play it as it comes."""

PATIENCE_S = 20.0
SHUTDOWN_S = 5.0
PING_TIMEOUT_S = 60.0
QUEUE_MESSAGES = 8

log = get_logger(__name__)


class GatewayServer:
    """Serves sessions while it is entered (``async with``); leaving closes them all.

    ``open_session`` makes the session behind each connection.
    """

    def __init__(
        self,
        server: ServerConfig,
        video: VideoConfig,
        open_session: OpenSession,
        *,
        outbox_bytes: int = OUTBOX_BYTES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._config = server
        self._video = video
        self._open_session = open_session
        self._outbox_bytes = outbox_bytes
        self._patience_s = patience_s
        self._server: Server | None = None
        self._handshakes: set[ServerConnection] = set()
        self._running: dict[ServerConnection, asyncio.Task[Any]] = {}
        self.counters = Counters()

    @property
    def port(self) -> int:
        """The port that is listened on, also when the configuration said 0 for any."""
        assert self._server is not None, "the server is not running"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"ws://{self._address}{PATH}"

    @property
    def page_url(self) -> str:
        """Of the browser page; of a server that listens everywhere as its own machine sees it."""
        return f"http://{self._address}/"

    @property
    def _address(self) -> str:
        host = "localhost" if self._config.host in EVERYWHERE else self._config.host
        return f"{f'[{host}]' if ':' in host else host}:{self.port}"

    async def __aenter__(self) -> GatewayServer:
        """Raises ConfigError when the address cannot be listened on."""
        config = self._config
        # A client that sends offline, faster than it is heard, has its pongs queue up behind its media.
        ping_timeout_s = None if config.clock == "media" else PING_TIMEOUT_S
        try:
            self._server = await serve(
                self._serve,
                config.host,
                config.port,
                process_request=self._admit,
                select_subprotocol=_select_subprotocol,
                compression=None,
                max_size=config.max_message_bytes,
                max_queue=QUEUE_MESSAGES,
                ping_timeout=ping_timeout_s,
                close_timeout=CLOSE_TIMEOUT_S,
            )
        except OSError as error:
            raise _cannot_listen(config, error) from None
        log.info("listening", url=self.url, page=self.page_url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Listen and serve until ``stop`` is set, then close. Raises ConfigError as entering does."""
        async with self:
            await stop.wait()

    async def close(self) -> None:
        """Close every connection (1001) and session; one that does not end in time is cancelled."""
        assert self._server is not None, "the server is not running"
        self._server.close(code=CloseCode.GOING_AWAY, reason="the server is shutting down")
        try:
            await asyncio.wait_for(self._server.wait_closed(), SHUTDOWN_S)
        except TimeoutError:
            log.warning("sessions_cancelled", count=len(self._running))
            for socket, task in self._running.items():
                socket.transport.abort()
                task.cancel()
            await self._server.wait_closed()

    async def _serve(self, socket: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handshakes.discard(socket)
        self._running[socket] = task
        try:
            outbox = Outbox(self._outbox_bytes, self._patience_s)
            connection = Connection(socket, self._config, self._video, outbox, self.counters)
            assert socket.request is not None
            query = _query(socket.request)
            await connection.run(query.get("model", DEFAULT_MODEL), query.get("session"), self._open_session)
        finally:
            del self._running[socket]

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """None to go on to the WebSocket, or the HTTP answer to anyone who is not to have one."""
        path = request.path.partition("?")[0]
        file = page_file(path)
        if file is not None:
            return page_answer(file, request)
        if path != PATH:
            return socket.respond(HTTPStatus.NOT_FOUND, f"Nothing here: the WebSocket is on {PATH}.\n")
        query = _query(request)
        if query.get("intent") == "transcription":
            message = "Transcription-only sessions (intent=transcription) are not served here"
            return _refused(socket, HTTPStatus.BAD_REQUEST, "unsupported_value", message, "intent")
        if "call_id" in query:
            message = "There are no calls to attach to (call_id): only WebSocket sessions are served here"
            return _refused(socket, HTTPStatus.BAD_REQUEST, "unsupported_value", message, "call_id")
        self._handshakes = {each for each in self._handshakes if each.state is not State.CLOSED}
        if len(self._handshakes) + len(self._running) >= self._config.max_sessions:
            self.counters.refused += 1
            log.warning("session_refused", max_sessions=self._config.max_sessions)
            message = f"All {self._config.max_sessions} sessions are taken; try again later"
            return _refused(socket, HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", message, None)
        self._handshakes.add(socket)
        return None


def _select_subprotocol(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Browsers offer ``realtime`` beside their key and want it echoed; the Python client offers nothing."""
    return REALTIME if REALTIME in offered else None


def _query(request: Request) -> dict[str, str]:
    """The last value of each query parameter."""
    query = parse_qs(request.path.partition("?")[2], keep_blank_values=True)
    return {name: values[-1] for name, values in query.items()}


def _refused(
    socket: ServerConnection, status: HTTPStatus, code: str, message: str, param: str | None
) -> Response:
    """An HTTP error in the form of the API's."""
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    error = {"type": kind, "code": code, "message": message, "param": param}
    response = socket.respond(status, json.dumps({"error": error}) + "\n")
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


def _cannot_listen(config: ServerConfig, error: OSError) -> ConfigError:
    address = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        message = f"cannot listen on {address}: the port is in use"
        return ConfigError(message, param="server.port")
    if error.errno == errno.EACCES:
        return ConfigError(f"cannot listen on {address}: not permitted", param="server.port")
    return ConfigError(f"cannot listen on {address}: {error.strerror or error}", param="server.host")
