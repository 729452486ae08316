"""A session and what its client asks of it and is told."""

from __future__ import annotations

import json

from gateway.live.live import Live
from gateway.server.execution import execute
from gateway.server.metrics import Metrics
from gateway.server.outbox import Outbox
from gateway.wire.command import UpdateSession
from gateway.wire.protocol import RealtimeProtocol
from gateway.wire.server_event import ServerEvent
from streams.config import VideoConfig
from streams.errors import StreamsError
from streams.events import Event, FramesDropped
from streams.log import get_logger

log = get_logger(__name__)


class Seat:
    """Carries out requests one at a time, in order, and tells of events as they happen."""

    def __init__(
        self, live: Live, protocol: RealtimeProtocol, outbox: Outbox, video: VideoConfig, metrics: Metrics
    ) -> None:
        """``outbox`` is told first that the session was created."""
        self._live = live
        self._protocol = protocol
        self._outbox = outbox
        self._video = video
        self._metrics = metrics
        self._log = log.bind(session=live.id)
        self._send(protocol.session_created())

    async def receive(self, message: str | bytes) -> None:
        """Carry out a request. Whatever goes wrong with it becomes an error event; the session goes on."""
        request = self._protocol.receive(message)
        try:
            if isinstance(request.command, UpdateSession):
                self._live.update(request.command.settings.options)
                self._send(self._protocol.session_updated(request.command))
            else:
                await execute(request.command, self._live, self._protocol, self._video)
        except StreamsError as error:
            self._metrics.request_failed(error.code)
            self._send(self._protocol.error_to_send(error, request))
        except Exception as error:
            self._metrics.request_failed(StreamsError.code)
            self._log.exception("request_failed", request=type(request.command).__name__)
            self._send(self._protocol.error_to_send(error, request))

    def emit(self, event: Event) -> None:
        """Tell the client of ``event``."""
        self._metrics.observe(event)
        if isinstance(event, FramesDropped):
            self._log.warning("frames_dropped", count=event.count, total=event.total, reason=event.reason)
        try:
            messages = self._protocol.event_to_send(event)
        except Exception as error:
            self._log.exception("event_not_sent", event_name=type(event).__name__)
            messages = [self._protocol.error_to_send(error)]
        for message in messages:
            self._send(message)

    def _send(self, event: ServerEvent) -> None:
        self._outbox.put(json.dumps(event, allow_nan=False, separators=(",", ":")))
