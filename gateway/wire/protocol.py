"""The rules of the wire without any I/O: client messages to commands, a session's events to messages.

After the sans-I/O design of the websockets library: nothing here waits, so all of it can be tested
without a socket. Requests are meant to be carried out one at a time, in the order they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeAlias

from gateway.wire.binary import parse_binary
from gateway.wire.client_event import StreamsEventName
from gateway.wire.command import CreateResponse, Refuse, Request, UpdateSession
from gateway.wire.parsing import event_id_of, parse_event, parse_object
from gateway.wire.request_reader import RequestReader
from gateway.wire.response_writer import ResponseWriter
from gateway.wire.server_event import ServerEvent, error_to_wire, item_to_wire, moment_to_wire, ms, stamped
from gateway.wire.session_settings import SessionSettings, option_path
from gateway.wire.standing import request_to_wire, unasked_metadata
from gateway.wire.transcript_writer import TranscriptWriter
from streams import events as happening
from streams.config import ServerConfig
from streams.conversation import ResponseOptions, SessionOptions
from streams.errors import InvalidRequestError, OverloadError, StreamsError
from streams.session import new_id
from streams.standing_request import StandingRequest
from streams.unasked import FrameJudged, StandingRequestsChanged, UnaskedSuppressed

Thumbnail: TypeAlias = Callable[[int], bytes | None]
"""The picture of a memory block as a JPEG, None where there is none (``Live.thumbnail``)."""

ResponseEvent: TypeAlias = (
    happening.ResponseCreated
    | happening.MomentsRecalled
    | happening.ResponseItemAdded
    | happening.TextDelta
    | happening.ArgumentsDelta
    | happening.AudioDelta
    | happening.OutputHeld
    | happening.OutputResumed
    | happening.ResponseDone
)


class RealtimeProtocol:
    """One session's side of the OpenAI Realtime API, with this project's additions.

    ``options`` are the session's at its start, and what a null in an update goes back to. ``server`` says
    how much sound one append may hold, how long a session waits for its client, and whose clock it runs on.
    ``expires_at`` is when it ends in any case, in seconds since 1970. ``standing`` says what stands now.
    """

    def __init__(
        self,
        session_id: str,
        model: str,
        options: SessionOptions,
        *,
        server: ServerConfig,
        thumbnail: Thumbnail,
        standing: Callable[[], tuple[StandingRequest, ...]] = tuple,
        expires_at: int | None = None,
    ) -> None:
        self._session_id = session_id
        self._conversation_id = new_id("conv")
        self._settings = SessionSettings(model, options)
        self._reader = RequestReader(options, server.max_audio_append_bytes)
        self._thumbnail = thumbnail
        self._standing = standing
        self._server = server
        self._expires_at = expires_at
        self._responses: dict[str, ResponseWriter] = {}
        self._transcripts = TranscriptWriter()
        self._expected: CreateResponse | None = None

    def session_created(self) -> ServerEvent:
        return self._session_event("session.created")

    def receive(self, message: str | bytes) -> Request:
        """What a client's message in either form asks for; a wrong one is a ``Refuse``. Raises nothing."""
        event_id: str | None = None
        try:
            if isinstance(message, bytes):
                return Request(None, self._reader.read_binary(parse_binary(message), self._settings))
            data = parse_object(message)
            event_id = event_id_of(data)
            event = parse_event(data)
            return Request(event_id, self._reader.read(event, self._settings))
        except StreamsError as error:
            return Request(event_id, Refuse(error))

    def check_update(self, update: UpdateSession) -> None:
        """Raises InvalidRequestError for what this server does not offer."""
        if update.settings.resume and not self._server.resume_grace_s:
            raise InvalidRequestError(
                "Sessions end with their sockets here (server.resume_grace_s is 0)",
                param="session.streams.resume",
                code="unsupported_value",
            )

    def session_updated(self, update: UpdateSession, token: str | None = None) -> ServerEvent:
        """The session now runs by ``update``; ``token`` is the client's first for coming back."""
        self._settings = update.settings
        return self._session_event("session.updated", token)

    def session_resumed(self, token: str, received: int) -> ServerEvent:
        """The client is back; of its messages ``received`` had come."""
        return {**self._session_event("session.resumed", token), "received": received}

    def resume_gap(self) -> ServerEvent:
        """Not all that the client missed is kept any more."""
        message = "More was missed than is kept (server.resume_log_bytes): the first of it is lost"
        return self.error_to_send(OverloadError(message, code="resume_gap"))

    def session_ending(self, reason: str, in_ms: int) -> list[ServerEvent]:
        """The session will end, unless what is the reason changes until then."""
        return [stamped(event) for event in self._own("session.ending", reason=reason, in_ms=in_ms)]

    def expect_response(self, request: CreateResponse | None) -> None:
        """The next response to be created by the client is what it asked for so; None when none comes."""
        self._expected = request

    def error_to_send(self, error: Exception, request: Request | None = None) -> ServerEvent:
        """``error`` as an event; ``request`` is the one that caused it, if one did."""
        param = error.param if isinstance(error, StreamsError) else None
        if request is not None and param is not None:
            of = "session" if isinstance(request.command, UpdateSession) else "response"
            param = option_path(param, of)
        event_id = request.event_id if request else None
        return stamped(error_to_wire(error, event_id=event_id, param=param))

    def event_to_send(self, event: happening.Event) -> list[ServerEvent]:
        """What the client is told of ``event``, in order; often several messages, sometimes none."""
        return [stamped(message) for message in self._messages(event)]

    def _messages(self, event: happening.Event) -> list[ServerEvent]:
        match event:
            case happening.SpeechStarted(item_id, at_us):
                kind = "input_audio_buffer.speech_started"
                return [{"type": kind, "audio_start_ms": ms(at_us), "item_id": item_id}]
            case happening.SpeechStopped(item_id, at_us):
                kind = "input_audio_buffer.speech_stopped"
                return [{"type": kind, "audio_end_ms": ms(at_us), "item_id": item_id}]
            case happening.IdleTimedOut(item_id, start_us, end_us):
                kind = "input_audio_buffer.timeout_triggered"
                times = {"audio_start_ms": ms(start_us), "audio_end_ms": ms(end_us)}
                return [{"type": kind, "item_id": item_id, **times}]
            case happening.InputCommitted(item_id, previous):
                kind = "input_audio_buffer.committed"
                return [{"type": kind, "item_id": item_id, "previous_item_id": previous}]
            case happening.InputCleared():
                return [{"type": "input_audio_buffer.cleared"}]
            case happening.ItemAdded(item, previous):
                kind = "conversation.item.added"
                return [{"type": kind, "previous_item_id": previous, "item": item_to_wire(item)}]
            case happening.ItemDone(item, previous):
                kind = "conversation.item.done"
                return [{"type": kind, "previous_item_id": previous, "item": item_to_wire(item)}]
            case happening.ItemRetrieved(item):
                return [{"type": "conversation.item.retrieved", "item": item_to_wire(item)}]
            case happening.ItemDeleted(item_id):
                return [{"type": "conversation.item.deleted", "item_id": item_id}]
            case happening.ItemTruncated(item_id, index, end_us):
                fields = {"item_id": item_id, "content_index": index, "audio_end_ms": ms(end_us)}
                return [{"type": "conversation.item.truncated", **fields}]
            case (
                happening.TranscriptPartial() | happening.TranscriptCompleted() | happening.TranscriptFailed()
            ):
                return self._transcripts.messages(event, self._settings)
            case happening.FrameSeen(pts_us, text, tokens, saved):
                counts = {"tokens": tokens, "tokens_saved": saved}
                return self._own("input_video_buffer.seen", timestamp_ms=ms(pts_us), text=text, **counts)
            case FrameJudged(pts_us, probability, speaks):
                judged = {"probability": round(probability, 4), "speak": speaks}
                return self._own("input_video_buffer.judged", timestamp_ms=ms(pts_us), **judged)
            case StandingRequestsChanged(requests, change, request_id):
                stand = [request_to_wire(request) for request in requests]
                return self._own("session.standing_requests", change=change, id=request_id, requests=stand)
            case UnaskedSuppressed(request_id, reason, at_us):
                about = {"standing_request": request_id, "timestamp_ms": ms(at_us)}
                return self._own("response.suppressed", reason=reason, **about)
            case happening.FramesDropped(count, total, reason):
                return self._own("input_video_buffer.dropped", count=count, total=total, reason=reason)
            case happening.MemoryReported(problem, blocks, text):
                return self._own("memory.reported", problem=problem, blocks=blocks, message=text)
            case happening.SessionFailed(error):
                return [error_to_wire(error, event_id=None)]
            case _:
                return self._response_messages(event)

    def _response_messages(self, event: ResponseEvent) -> list[ServerEvent]:
        match event:
            case happening.ResponseCreated(response_id):
                request = CreateResponse(ResponseOptions())
                if event.by_client and self._expected is not None:
                    request, self._expected = self._expected, None
                writer = ResponseWriter(
                    event,
                    conversation_id=self._conversation_id,
                    metadata=request.metadata if event.unasked is None else unasked_metadata(event.unasked),
                    audio_format=request.audio_format or self._settings.output_format,
                )
                self._responses[response_id] = writer
                return writer.created()
            case happening.MomentsRecalled():
                return self._recalled(event)
            case happening.ResponseItemAdded(response_id):
                return self._responses[response_id].item_added(event)
            case happening.ArgumentsDelta(response_id):
                return self._responses[response_id].arguments_delta(event)
            case happening.TextDelta(response_id):
                return self._responses[response_id].text_delta(event)
            case happening.AudioDelta(response_id):
                return self._responses[response_id].audio_delta(event)
            case happening.OutputHeld(response_id):
                return self._own("response.held", response_id=response_id)
            case happening.OutputResumed(response_id, reason):
                return self._own("response.resumed", response_id=response_id, reason=reason)
            case happening.ResponseDone(response_id, times=times):
                done = self._responses.pop(response_id).done(event)
                return done + self._own("session.latency", response_id=response_id, **asdict(times))

    def _recalled(self, event: happening.MomentsRecalled) -> list[ServerEvent]:
        if not self._settings.subscribes_to("memory.recalled"):
            return []
        moments = [moment_to_wire(each, self._thumbnail(each.block_id)) for each in event.moments]
        return self._own("memory.recalled", response_id=event.response_id, moments=moments)

    def _own(self, kind: StreamsEventName, **fields: Any) -> list[ServerEvent]:
        """An event outside the API, if the client subscribed to it."""
        return [{"type": kind, **fields}] if self._settings.subscribes_to(kind) else []

    def _session_event(self, kind: str, token: str | None = None) -> ServerEvent:
        session = self._settings.to_wire(self._session_id, self._expires_at)
        if self._settings.options.proactive != "off":
            session["streams"]["standing_requests"] = [request_to_wire(each) for each in self._standing()]
        if self._settings.events is not None:
            session["streams"]["clock"] = self._server.clock
        if self._settings.resume:
            grant = {"grace_s": self._server.resume_grace_s} | ({"token": token} if token else {})
            session["streams"]["resume"] = grant
        return stamped({"type": kind, "session": session})
