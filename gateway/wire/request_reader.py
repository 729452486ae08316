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
    RetrieveItem,
    TruncateItem,
    UpdateSession,
)
from gateway.wire.item_reader import read_item
from gateway.wire.session_settings import AUDIO_RATE, SessionSettings
from streams.conversation import ResponseOptions, SessionOptions
from streams.errors import InvalidRequestError
from streams.types import US_PER_MS, AudioChunk, Samples


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
            case wire.SessionResume():
                raise InvalidRequestError(
                    "This session is open: one is resumed on a connection of its own, opened with ?resume=1",
                    param="type",
                )
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
                return AddItem(read_item(event.item, "item", self._sound_in), event.previous_item_id)
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

    def _sound_in(self, audio: str, param: str) -> AudioChunk:
        return AudioChunk(0, AUDIO_RATE, self._samples_in(audio, param))


def _response(params: wire.ResponseParams) -> CreateResponse:
    options = ResponseOptions(
        instructions=params.instructions,
        modality=params.output_modalities[0] if params.output_modalities else None,
        voice=params.audio.output.voice,
        max_output_tokens=params.max_output_tokens,
        in_conversation=params.conversation != "none",
    )
    return CreateResponse(options, params.metadata)
