"""A well-formed client event to the command that it asks for."""

from __future__ import annotations

import base64
import binascii

import numpy as np

from gateway.wire import client_event as wire
from gateway.wire.binary import BinaryAppend, BinaryKind
from gateway.wire.command import (
    AddItem,
    AppendAudio,
    AppendFrame,
    CancelResponse,
    ClearAudio,
    ClearFrames,
    Command,
    CommitAudio,
    CreateResponse,
    DeleteItem,
    EncodedImage,
    RetrieveItem,
    TruncateItem,
    UpdateSession,
)
from gateway.wire.session_settings import AUDIO_RATE, SessionSettings
from streams.conversation import AudioContent, Content, ResponseOptions, SessionOptions, TextContent
from streams.errors import InvalidRequestError
from streams.session import new_id
from streams.types import US_PER_MS, AudioChunk, Samples

PARTS_OF_ROLE = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text",),
}
FIELDS_OF_PART = {
    "input_text": ("text",),
    "input_audio": ("audio", "transcript"),
    "input_image": ("image_url", "detail"),
    "output_text": ("text",),
}


class RequestReader:
    """``defaults`` is what a null in a session update goes back to."""

    def __init__(self, defaults: SessionOptions, max_audio_bytes: int) -> None:
        self._defaults = defaults
        self._max_audio_bytes = max_audio_bytes

    def read(self, event: wire.ClientEvent, settings: SessionSettings) -> Command:
        """``settings`` are the session's now. Raises InvalidRequestError."""
        match event:
            case wire.SessionUpdate():
                return UpdateSession(settings.updated(event.session, self._defaults))
            case wire.InputAudioAppend():
                return AppendAudio(self._samples_in(event.audio, "audio"), AUDIO_RATE)
            case wire.InputAudioCommit():
                return CommitAudio()
            case wire.InputAudioClear():
                return ClearAudio()
            case wire.InputVideoAppend(timestamp_ms=at_ms):
                return AppendFrame(event.image, None if at_ms is None else round(at_ms * US_PER_MS))
            case wire.InputVideoClear():
                return ClearFrames()
            case wire.ItemCreate():
                return self._item(event)
            case wire.ItemRetrieve(item_id=item_id):
                return RetrieveItem(item_id)
            case wire.ItemDelete(item_id=item_id):
                return DeleteItem(item_id)
            case wire.ItemTruncate():
                return TruncateItem(event.item_id, event.content_index, event.audio_end_ms * US_PER_MS)
            case wire.ResponseCreate():
                return _response(event.response)
            case wire.ResponseCancel():
                return CancelResponse(event.response_id)

    def read_binary(self, append: BinaryAppend) -> Command:
        """Raises InvalidRequestError as ``read`` does for the same append in JSON."""
        match append.kind:
            case BinaryKind.AUDIO:
                return AppendAudio(self._samples(append.data, "audio"), AUDIO_RATE)
            case BinaryKind.IMAGE:
                return AppendFrame(append.data, append.timestamp_us)

    def _samples_in(self, audio: str, param: str) -> Samples:
        """As ``_samples``, of base64."""
        self._check_size(len(audio) // 4 * 3 - audio[-2:].count("="), param)
        try:
            data = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            message = "The audio is not valid base64"
            raise InvalidRequestError(message, param=param, code="invalid_audio") from None
        return self._samples(data, param)

    def _samples(self, data: bytes, param: str) -> Samples:
        """PCM16 little-endian as float32 in -1..1."""
        self._check_size(len(data), param)
        if len(data) % 2:
            message = f"PCM16 has two bytes a sample, and this is {len(data)} bytes"
            raise InvalidRequestError(message, param=param, code="invalid_audio")
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32_768)

    def _check_size(self, size_bytes: int, param: str) -> None:
        if size_bytes > self._max_audio_bytes:
            message = f"Too much audio at once: at most {self._max_audio_bytes} bytes are taken"
            raise InvalidRequestError(message, param=param, code="audio_too_large")

    def _item(self, event: wire.ItemCreate) -> AddItem:
        item = event.item
        content = []
        for index, part in enumerate(item.content):
            _check_part(part, item.role, f"item.content[{index}]")
            content.append(self._content(part, f"item.content[{index}]"))
        item_id = item.id or new_id("item")
        return AddItem(item_id, item.role, tuple(content), item.status or "completed", event.previous_item_id)

    def _content(self, part: wire.ContentPart, param: str) -> Content | EncodedImage:
        match part.type:
            case "input_image":
                return _encoded_image(part.image_url or "", f"{param}.image_url")
            case "input_audio":
                if part.audio is None:
                    return AudioContent(part.transcript)
                samples = self._samples_in(part.audio, f"{param}.audio")
                return AudioContent(part.transcript, AudioChunk(0, AUDIO_RATE, samples))
            case _:
                return TextContent(part.text or "")


def _check_part(part: wire.ContentPart, role: str, param: str) -> None:
    """The part is one that ``role`` may say, has what its type needs and nothing that it would ignore."""
    if part.type not in PARTS_OF_ROLE[role]:
        allowed = " or ".join(f"'{kind}'" for kind in PARTS_OF_ROLE[role])
        message = f"An item of the {role} holds {allowed}, not '{part.type}'"
        raise InvalidRequestError(message, param=f"{param}.type", code="unsupported_value")
    fields = FIELDS_OF_PART[part.type]
    given = part.model_dump(exclude={"type"}, exclude_none=True)
    if foreign := sorted(given.keys() - set(fields)):
        message = f"'{foreign[0]}' does not belong to '{part.type}'"
        raise InvalidRequestError(message, param=f"{param}.{foreign[0]}", code="invalid_value")
    if not given.keys() & {fields[0], "transcript"}:
        message = f"Missing required parameter: '{param}.{fields[0]}'"
        raise InvalidRequestError(message, param=f"{param}.{fields[0]}", code="missing_required_parameter")


def _encoded_image(url: str, param: str) -> EncodedImage:
    if not url.startswith("data:"):
        message = "Only data: URLs are read; pictures are not fetched from the network"
        raise InvalidRequestError(message, param=param, code="unsupported_value")
    return EncodedImage(url, param)


def _response(params: wire.ResponseParams) -> CreateResponse:
    options = ResponseOptions(
        instructions=params.instructions,
        modality=params.output_modalities[0] if params.output_modalities else None,
        voice=params.audio.output.voice,
        max_output_tokens=params.max_output_tokens,
        in_conversation=params.conversation != "none",
    )
    return CreateResponse(options, params.metadata)
