"""What a client's event asks of a session: typed commands that a connection carries out.

Pictures stay encoded in a command, since decoding one takes too long for the event loop;
``AddItem.decoded`` and ``AppendFrame.decoded`` do it on whatever thread they are called.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.wire.session_settings import SessionSettings
from speech.audio_format import AudioFormat
from streams.config import VideoConfig
from streams.conversation import (
    Content,
    FunctionCall,
    FunctionOutput,
    ImageContent,
    Item,
    ItemReference,
    ItemStatus,
    Message,
    ResponseOptions,
    Role,
)
from streams.errors import MediaError, StreamsError
from streams.standing_request import RequestKind
from streams.types import Image, Samples
from video.image import decode_data_url, decode_image


@dataclass(frozen=True, slots=True)
class UpdateSession:
    settings: SessionSettings


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """``samples`` is float32 mono [n] at ``rate`` Hz."""

    samples: Samples
    rate: int


@dataclass(frozen=True, slots=True)
class CommitAudio:
    pass


@dataclass(frozen=True, slots=True)
class ClearAudio:
    pass


@dataclass(frozen=True, slots=True)
class AppendFrame:
    """``image`` is base64 or a data URL, or the picture's own bytes. ``pts_us`` is on the client's clock."""

    image: str | bytes
    pts_us: int | None

    def decoded(self, config: VideoConfig) -> Image:
        """Raises MediaError."""
        if isinstance(self.image, bytes):
            return decode_image(self.image, config, param="image")
        if self.image.startswith("data:"):
            return decode_data_url(self.image, config, param="image")
        if len(self.image) > 4 * (config.max_image_bytes // 3 + 1):
            message = f"image too large: at most {config.max_image_bytes} bytes are taken"
            raise MediaError(message, param="image", code="image_too_large")
        try:
            data = base64.b64decode(self.image, validate=True)
        except (binascii.Error, ValueError):
            raise MediaError("the image is not valid base64", param="image", code="invalid_image") from None
        return decode_image(data, config, param="image")


@dataclass(frozen=True, slots=True)
class ClearFrames:
    pass


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A picture of an item, as its data URL."""

    url: str
    param: str


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """A message whose pictures are encoded."""

    id: str
    role: Role
    content: tuple[Content | EncodedImage, ...]
    status: ItemStatus

    def decoded(self, config: VideoConfig) -> Message:
        """Raises MediaError."""
        content = tuple(
            ImageContent(decode_data_url(part.url, config, param=part.param), part.url)
            if isinstance(part, EncodedImage)
            else part
            for part in self.content
        )
        return Message(self.id, self.role, content, self.status)


SentItem: TypeAlias = EncodedMessage | FunctionCall | FunctionOutput


@dataclass(frozen=True, slots=True)
class AddItem:
    item: SentItem
    previous_item_id: str | None

    def decoded(self, config: VideoConfig) -> Item:
        """Raises MediaError."""
        return self.item.decoded(config) if isinstance(self.item, EncodedMessage) else self.item


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    item_id: str


@dataclass(frozen=True, slots=True)
class DeleteItem:
    item_id: str


@dataclass(frozen=True, slots=True)
class TruncateItem:
    item_id: str
    content_index: int
    audio_end_us: int


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """``audio_format`` is None for the session's. ``input`` is that of the options, as it was sent."""

    options: ResponseOptions
    metadata: dict[str, str] | None = None
    audio_format: AudioFormat | None = None
    input: tuple[SentItem | ItemReference, ...] | None = None

    def decoded(self, config: VideoConfig) -> ResponseOptions:
        """Raises MediaError."""
        if self.input is None:
            return self.options
        items = (item.decoded(config) if isinstance(item, EncodedMessage) else item for item in self.input)
        return replace(self.options, input=tuple(items))


@dataclass(frozen=True, slots=True)
class CancelResponse:
    response_id: str | None


@dataclass(frozen=True, slots=True)
class AddStandingRequest:
    """``id`` is None for one of the server's choice."""

    text: str
    kind: RequestKind
    repeats: bool
    id: str | None


@dataclass(frozen=True, slots=True)
class CancelStandingRequest:
    id: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The event was wrong: ``error`` says how."""

    error: StreamsError


Command: TypeAlias = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | AppendFrame
    | ClearFrames
    | AddItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
    | AddStandingRequest
    | CancelStandingRequest
    | Refuse
)


@dataclass(frozen=True, slots=True)
class Request:
    """One client event. ``event_id`` is the client's own, for the error if there is one."""

    event_id: str | None
    command: Command
