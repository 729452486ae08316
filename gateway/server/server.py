"""The WebSocket server: who may connect, how many, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.access.address import client_address
from gateway.access.exposure import check_exposure
from gateway.access.load import Load
from gateway.access.origin import is_loopback
from gateway.access.tls import load_certificate
from gateway.server.admission import Admission
from gateway.server.authentication import Authentication
from gateway.server.closing import CLOSE_TIMEOUT_S
from gateway.server.connection import Connection
from gateway.server.health import Health
from gateway.server.http import refusal_answer
from gateway.server.http_connection import HttpConnection
from gateway.server.metrics import Metrics
from gateway.server.occupancy import Occupancy
from gateway.server.outbox import Outbox
from gateway.server.router import REALTIME_PATH, Router, path_of
from gateway.server.session_table import OpenSession, SessionTable
from gateway.server.visit import Visit
from gateway.service import Service
from streams.config import ServerConfig, VideoConfig
from streams.errors import ConfigError
from streams.log import get_logger

EVERYWHERE = ("0.0.0.0", "::", "")
REALTIME = Subprotocol("realtime")

OUTBOX_BYTES = 8 * 1024**2
"""About two minutes of speech; a client further behind than that does not play it as it comes."""

PATIENCE_S = 20.0
SHUTDOWN_S = 5.0
PING_TIMEOUT_S = 60.0
QUEUE_MESSAGES = 8

log = get_logger(__name__)

SILENT = logging.getLogger(f"{__name__}.websockets")
"""The library's own: what goes wrong in a handshake it logs with what the client sent, keys included."""
SILENT.setLevel(logging.CRITICAL + 1)


class GatewayServer:
    """Serves sessions while it is entered (``async with``); leaving closes them all.

    ``open_session`` makes the session behind each connection, on ``service`` (None: on nothing that
    they share).
    """

    def __init__(
        self,
        server: ServerConfig,
        video: VideoConfig,
        open_session: OpenSession,
        service: Service | None = None,
        *,
        outbox_bytes: int = OUTBOX_BYTES,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Raises ConfigError when its keys or its certificate cannot be used."""
        self._config = server
        self._certificate = load_certificate(server)
        self._outbox_bytes = outbox_bytes
        self._patience_s = patience_s
        self._server: Server | None = None
        self._running: dict[ServerConnection, asyncio.Task[Any]] = {}
        self._outboxes: set[Outbox] = set()
        self.metrics = Metrics(service)
        self.metrics.watch_outboxes(lambda: sum(outbox.size_bytes for outbox in [*self._outboxes]))
        self._sessions = SessionTable(server, video, open_session, self.metrics)
        self._occupancy = Occupancy(self._sessions)
        load = Load(service.worker_waits_s if service else dict, server.max_wait_ms)
        self._admission = Admission(server, load, self._occupancy, Authentication(server))
        self._router = Router(Health(self._admission, service), self.metrics, server.metrics_for)

    @property
    def port(self) -> int:
        """The port that is listened on, also when the configuration said 0 for any."""
        assert self._server is not None, "the server is not running"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"ws{self._secured}://{self._address}{REALTIME_PATH}"

    @property
    def page_url(self) -> str:
        """Of the browser page; of a server that listens everywhere as its own machine sees it."""
        return f"http{self._secured}://{self._address}/"

    @property
    def _secured(self) -> str:
        return "" if self._certificate is None else "s"

    @property
    def _address(self) -> str:
        host = "localhost" if self._config.host in EVERYWHERE else self._config.host
        return f"{f'[{host}]' if ':' in host else host}:{self.port}"

    async def __aenter__(self) -> GatewayServer:
        """Raises ConfigError when the address cannot be listened on, or may not without keys."""
        config = self._config
        check_exposure(config)
        # A client that sends offline, faster than it is heard, has its pongs queue up behind its media.
        ping_timeout_s = None if config.clock == "media" else PING_TIMEOUT_S
        try:
            self._server = await serve(
                self._serve,
                config.host,
                config.port,
                process_request=self._process_request,
                select_subprotocol=_select_subprotocol,
                compression=None,
                max_size=config.max_message_bytes,
                max_queue=QUEUE_MESSAGES,
                ping_timeout=ping_timeout_s,
                close_timeout=CLOSE_TIMEOUT_S,
                create_connection=HttpConnection,
                ssl=None if self._certificate is None else self._certificate.context,
                server_header=None,
                logger=SILENT,
            )
        except OSError as error:
            raise _cannot_listen(config, error) from None
        log.info("listening", url=self.url, page=self.page_url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def serve_until(self, stop: asyncio.Event, at_once: asyncio.Event) -> None:
        """Listen and serve until ``stop`` is set; then say farewell, until ``at_once`` is set, and close.

        Raises ConfigError as entering does.
        """
        async with self:
            await stop.wait()
            farewell = asyncio.create_task(self.say_farewell())
            hurried = asyncio.create_task(at_once.wait())
            await asyncio.wait({farewell, hurried}, return_when=asyncio.FIRST_COMPLETED)
            farewell.cancel()
            hurried.cancel()

    async def say_farewell(self) -> None:
        """Take nobody in any more, let the answers that are being given finish, and see everybody off."""
        log.info("farewell", clients=len(self._running), at_most_s=self._config.farewell_s)
        self._admission.drain()
        self._sessions.say_farewell()
        if self._running:
            await asyncio.wait({*self._running.values()})

    async def close(self) -> None:
        """Close every connection (1001) and session; one that does not end in time is cancelled."""
        assert self._server is not None, "the server is not running"
        self._admission.drain()
        self._sessions.end_waiting()
        self._server.close(code=CloseCode.GOING_AWAY, reason="the server is shutting down")
        try:
            await asyncio.wait_for(self._server.wait_closed(), SHUTDOWN_S)
        except TimeoutError:
            log.warning("sessions_cancelled", count=len(self._running))
            for socket, task in self._running.items():
                socket.transport.abort()
                task.cancel()
            await self._server.wait_closed()
        await self._sessions.close(SHUTDOWN_S)

    async def _serve(self, socket: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        visit = self._occupancy.enter(socket)
        self._running[socket] = task
        outbox = Outbox(self._outbox_bytes, self._patience_s)
        self._outboxes.add(outbox)
        try:
            await Connection(socket, self._config, outbox, self._sessions, self.metrics).run(visit)
        except Exception:
            log.exception("connection_failed")
            raise
        finally:
            self._outboxes.remove(outbox)
            del self._running[socket]
            self._occupancy.leave(socket)

    async def _process_request(self, socket: ServerConnection, request: Request) -> Response | None:
        """None to go on to the WebSocket, or the HTTP answer to anyone who is not to have one."""
        assert isinstance(socket, HttpConnection)
        peer: str = socket.remote_address[0]
        forwarded = request.headers.get_all("X-Forwarded-For")
        address = client_address(peer, forwarded, self._config.trusted_proxies)
        if path_of(request) != REALTIME_PATH:
            # A proxy on this machine that is not known to be one asks for whom it will.
            is_local = is_loopback(address) and not forwarded
            try:
                return socket.fitted(await self._router.answer(request, is_local=is_local))
            except Exception:
                log.exception("request_failed")
                raise
        admitted = self._admission.admit(request, address)
        if isinstance(admitted, Visit):
            self._occupancy.admit(socket, admitted)
            return None
        self.metrics.session_refused(admitted.reason)
        log.warning("session_refused", reason=admitted.reason, address=address, error=admitted.message)
        return socket.fitted(refusal_answer(admitted))


def _select_subprotocol(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Browsers offer ``realtime`` beside their key and want it echoed; the Python client offers nothing."""
    return REALTIME if REALTIME in offered else None


def _cannot_listen(config: ServerConfig, error: OSError) -> ConfigError:
    address = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        message = f"cannot listen on {address}: the port is in use"
        return ConfigError(message, param="server.port")
    if error.errno == errno.EACCES:
        return ConfigError(f"cannot listen on {address}: not permitted", param="server.port")
    return ConfigError(f"cannot listen on {address}: {error.strerror or error}", param="server.host")
