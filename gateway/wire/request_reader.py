"""A well-formed client event to the command that it asks for."""

from __future__ import annotations

import base64
import binascii
from functools import partial

from gateway.wire import client_event as wire
from gateway.wire.binary import BinaryAppend, BinaryKind
from gateway.wire.command import (
    AddItem,
    AddStandingRequest,
    AppendAudio,
    AppendFrame,
    CancelResponse,
    CancelStandingRequest,
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
from gateway.wire.item_reader import SoundIn, read_input, read_item
from gateway.wire.session_settings import SessionSettings
from speech.audio_format import AudioFormat
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
                return self._audio(self._decoded(event.audio, "audio"), settings)
            case wire.InputAudioCommit():
                return CommitAudio()
            case wire.InputAudioClear():
                return ClearAudio()
            case wire.InputVideoAppend(timestamp_ms=at_ms):
                return AppendFrame(event.image, None if at_ms is None else round(at_ms * US_PER_MS))
            case wire.InputVideoClear():
                return ClearFrames()
            case wire.ItemCreate():
                read_sound = partial(self._sound, settings.input_format)
                return AddItem(read_item(event.item, "item", read_sound), event.previous_item_id)
            case wire.ItemRetrieve(item_id=item_id):
                return RetrieveItem(item_id)
            case wire.ItemDelete(item_id=item_id):
                return DeleteItem(item_id)
            case wire.ItemTruncate():
                return TruncateItem(event.item_id, event.content_index, event.audio_end_ms * US_PER_MS)
            case wire.ResponseCreate():
                return _response(event.response, partial(self._sound, settings.input_format))
            case wire.ResponseCancel():
                return CancelResponse(event.response_id)
            case wire.StandingRequestCreate():
                return AddStandingRequest(event.text, event.kind, event.repeat, event.id)
            case wire.StandingRequestCancel():
                return CancelStandingRequest(event.id)

    def read_binary(self, append: BinaryAppend, settings: SessionSettings) -> Command:
        """Raises InvalidRequestError as ``read`` does for the same append in JSON."""
        match append.kind:
            case BinaryKind.AUDIO:
                return self._audio(append.data, settings)
            case BinaryKind.IMAGE:
                return AppendFrame(append.data, append.timestamp_us)

    def _audio(self, data: bytes, settings: SessionSettings) -> AppendAudio:
        return AppendAudio(self._samples(data, settings.input_format, "audio"), settings.input_format.rate)

    def _decoded(self, audio: str, param: str) -> bytes:
        """The bytes of base64."""
        self._check_size(len(audio) // 4 * 3 - audio[-2:].count("="), param)
        try:
            return base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            message = "The audio is not valid base64"
            raise InvalidRequestError(message, param=param, code="invalid_audio") from None

    def _samples(self, data: bytes, audio_format: AudioFormat, param: str) -> Samples:
        self._check_size(len(data), param)
        if len(data) % audio_format.sample_bytes:
            message = f"{len(data)} bytes are no whole number of samples of {audio_format.type}"
            raise InvalidRequestError(message, param=param, code="invalid_audio")
        return audio_format.decode(data)

    def _check_size(self, size_bytes: int, param: str) -> None:
        if size_bytes > self._max_audio_bytes:
            message = f"Too much audio at once: at most {self._max_audio_bytes} bytes are taken"
            raise InvalidRequestError(message, param=param, code="audio_too_large")

    def _sound(self, audio_format: AudioFormat, audio: str, param: str) -> AudioChunk:
        samples = self._samples(self._decoded(audio, param), audio_format, param)
        return AudioChunk(0, audio_format.rate, samples)


def _response(params: wire.ResponseParams, sound_in: SoundIn) -> CreateResponse:
    options = ResponseOptions(
        instructions=params.instructions,
        modality=params.output_modalities[0] if params.output_modalities else None,
        voice=params.audio.output.voice,
        max_output_tokens=params.max_output_tokens,
        tools=None if params.tools is None else tuple(tool.read() for tool in params.tools),
        tool_choice=params.tool_choice.read() if params.tool_choice else None,
        in_conversation=params.conversation != "none",
    )
    given = params.audio.output.format
    return CreateResponse(
        options,
        params.metadata,
        given.audio_format if given is not None else None,
        None if params.input is None else read_input(params.input, "response.input", sound_in),
    )
