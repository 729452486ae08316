"""What a client may send, as data: one strict model per event, joined on ``type``.

Every field that the API defines is known here. A field whose value this server cannot honour says so
through ``only``, so an unsupported value is refused by name like any other wrong one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter

from gateway.wire.base import (
    AudioFormatObject,
    EventId,
    Id,
    Metadata,
    Modalities,
    Name,
    Nothing,
    Off,
    RequestText,
    Text,
    TokenCount,
    Voice,
    Wire,
    only,
)
from gateway.wire.binary import MAX_TIMESTAMP_MS
from gateway.wire.item import AnyItem, InputItems
from gateway.wire.tool import ToolList, WireToolChoice

MAX_AUDIO_END_MS = 24 * 3_600_000
"""Longer than any reply."""

StreamsEventName: TypeAlias = Literal[
    "memory.recalled",
    "memory.reported",
    "session.latency",
    "session.ending",
    "response.held",
    "response.resumed",
    "response.suppressed",
    "session.standing_requests",
    "input_video_buffer.seen",
    "input_video_buffer.judged",
    "input_video_buffer.dropped",
    "conversation.item.input_audio_transcription.partial",
]
"""Server events outside the API, for clients that subscribe to them."""


class Transcription(Wire):
    """``model`` is an alias: which recogniser runs is the server's configuration."""

    model: Name | None = None
    language: Annotated[str | None, only(None, "en")] = None
    languages: Annotated[Any, only(None, [], ["en"])] = None
    prompt: Annotated[str | None, only(None, "")] = None
    keywords: Off = None
    delay: Nothing = None


class ServerVad(Wire):
    """The bounds are those of the configuration's ``speech`` section."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0, le=5_000)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=64, le=10_000)] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None
    idle_timeout_ms: Annotated[int, Field(ge=5_000, le=30_000)] | None = None


class SemanticVad(Wire):
    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class AudioInput(Wire):
    format: AudioFormatObject | None = None
    transcription: Transcription | None = None
    noise_reduction: Nothing = None
    turn_detection: TurnDetection | None = None


class AudioOutput(Wire):
    format: AudioFormatObject | None = None
    voice: Voice | None = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


class Audio(Wire):
    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class StreamsOptions(Wire):
    """This project's own part of a session: the events outside the API that the client wants, whether it
    may come back after its socket dropped, and whether the session speaks up unasked."""

    events: list[StreamsEventName] | None = None
    resume: bool | None = None
    proactive: Literal["off", "alerts", "narration"] | None = None


class Session(Wire):
    type: Literal["realtime"]
    model: Name | None = None
    output_modalities: Modalities | None = None
    instructions: Text | None = None
    max_output_tokens: TokenCount | None = None
    audio: Audio = Audio()
    tools: ToolList | None = None
    tool_choice: WireToolChoice | None = None
    parallel_tool_calls: bool | None = None
    truncation: Annotated[Any, only(None, "auto")] = None
    include: Off = None
    prompt: Nothing = None
    reasoning: Nothing = None
    tracing: Annotated[Literal["auto"] | None, only(None, "auto")] = None
    streams: StreamsOptions | None = None


class TranscriptionServerVad(ServerVad):
    """There are no responses to create and to interrupt."""

    create_response: Annotated[bool | None, only(None, False)] = None
    interrupt_response: Annotated[bool | None, only(None, False)] = None
    idle_timeout_ms: Annotated[int | None, only(None)] = None


class TranscriptionSemanticVad(SemanticVad):
    create_response: Annotated[bool | None, only(None, False)] = None
    interrupt_response: Annotated[bool | None, only(None, False)] = None


TranscriptionTurnDetection = Annotated[
    TranscriptionServerVad | TranscriptionSemanticVad, Field(discriminator="type")
]


class TranscriptionAudioInput(AudioInput):
    turn_detection: TranscriptionTurnDetection | None = None


class TranscriptionAudio(Wire):
    input: TranscriptionAudioInput = TranscriptionAudioInput()


class TranscriptionStreamsOptions(StreamsOptions):
    proactive: Annotated[Literal["off"] | None, only(None, "off")] = None


class TranscriptionSession(Wire):
    """A session that only writes down what it hears."""

    type: Literal["transcription"]
    audio: TranscriptionAudio = TranscriptionAudio()
    include: Off = None
    streams: TranscriptionStreamsOptions | None = None


class ResponseAudioOutput(Wire):
    format: AudioFormatObject | None = None
    voice: Voice | None = None


class ResponseAudio(Wire):
    output: ResponseAudioOutput = ResponseAudioOutput()


class ResponseParams(Wire):
    instructions: Text | None = None
    output_modalities: Modalities | None = None
    max_output_tokens: TokenCount | None = None
    audio: ResponseAudio = ResponseAudio()
    conversation: Literal["auto", "none"] | None = None
    metadata: Metadata | None = None
    input: InputItems | None = None
    tools: ToolList | None = None
    tool_choice: WireToolChoice | None = None
    parallel_tool_calls: bool | None = None
    prompt: Nothing = None
    reasoning: Nothing = None


class ClientEventBase(Wire):
    event_id: EventId | None = None


class SessionUpdate(ClientEventBase):
    type: Literal["session.update"]
    session: Annotated[Session | TranscriptionSession, Field(discriminator="type")]


class SessionResume(ClientEventBase):
    type: Literal["session.resume"]
    token: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    after: Id


class InputAudioAppend(ClientEventBase):
    type: Literal["input_audio_buffer.append"]
    audio: str


class InputAudioCommit(ClientEventBase):
    type: Literal["input_audio_buffer.commit"]


class InputAudioClear(ClientEventBase):
    type: Literal["input_audio_buffer.clear"]


class InputVideoAppend(ClientEventBase):
    type: Literal["input_video_buffer.append"]
    image: str
    timestamp_ms: Annotated[float, Field(ge=0, le=MAX_TIMESTAMP_MS)] | None = None


class InputVideoClear(ClientEventBase):
    type: Literal["input_video_buffer.clear"]


class ItemCreate(ClientEventBase):
    type: Literal["conversation.item.create"]
    item: AnyItem
    previous_item_id: Id | None = None


class ItemRetrieve(ClientEventBase):
    type: Literal["conversation.item.retrieve"]
    item_id: Id


class ItemDelete(ClientEventBase):
    type: Literal["conversation.item.delete"]
    item_id: Id


class ItemTruncate(ClientEventBase):
    type: Literal["conversation.item.truncate"]
    item_id: Id
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0, le=MAX_AUDIO_END_MS)]


class StandingRequestCreate(ClientEventBase):
    type: Literal["session.standing_request.create"]
    text: RequestText
    kind: Literal["alert", "narration"] = "alert"
    repeat: bool = False
    id: Id | None = None


class StandingRequestCancel(ClientEventBase):
    type: Literal["session.standing_request.cancel"]
    id: Id


class ResponseCreate(ClientEventBase):
    type: Literal["response.create"]
    response: ResponseParams = ResponseParams()


class ResponseCancel(ClientEventBase):
    type: Literal["response.cancel"]
    response_id: Id | None = None


ClientEvent: TypeAlias = (
    SessionUpdate
    | SessionResume
    | InputAudioAppend
    | InputAudioCommit
    | InputAudioClear
    | InputVideoAppend
    | InputVideoClear
    | ItemCreate
    | ItemRetrieve
    | ItemDelete
    | ItemTruncate
    | ResponseCreate
    | ResponseCancel
    | StandingRequestCreate
    | StandingRequestCancel
)

CLIENT_EVENT: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])

UNSUPPORTED_EVENTS = frozenset({"output_audio_buffer.clear"})
"""Events of the API that this server does not serve."""
