"""The session as the wire shows it: merged from updates, echoed whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.wire.base import given_fields
from gateway.wire.client_event import (
    AudioInput,
    AudioOutput,
    Session,
    StreamsEventName,
    StreamsOptions,
    Transcription,
    TranscriptionSession,
)
from gateway.wire.tool import choice_to_wire, tools_to_wire
from gateway.wire.turn_settings import detection_to_wire, merged
from speech.audio_format import PCM16, AudioFormat
from streams.conversation import SessionOptions, unanswered
from streams.errors import InvalidRequestError

OPTION_PATHS = {
    "instructions": "instructions",
    "modality": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "max_output_tokens": "max_output_tokens",
    "transcription": "audio.input.transcription",
    "turn_detection": "audio.input.turn_detection",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "input": "input",
    "proactive": "streams.proactive",
}
"""Where each field of SessionOptions and ResponseOptions is found in the object of the wire."""


NO_STREAMS = StreamsOptions(events=None, resume=None, proactive=None)
"""What ``"streams": null`` asks for: nothing of it."""


def option_path(param: str, of: str) -> str:
    """``param`` as a field of the session, or response, ``of`` when it begins with an option."""
    head = re.split(r"[.\[]", param, maxsplit=1)[0]
    return f"{of}.{OPTION_PATHS[head]}{param.removeprefix(head)}" if head in OPTION_PATHS else param


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """``options`` is what the session runs by; the rest is known to the wire alone.

    ``model`` and ``transcription`` are the client's own names, ``events`` its subscriptions (None
    when it never mentioned them). ``tracing`` is only echoed: there is nowhere to write traces to.
    ``resume``: the session may outlive its socket.
    """

    model: str
    options: SessionOptions
    transcription: Transcription | None = None
    input_format: AudioFormat = PCM16
    output_format: AudioFormat = PCM16
    tracing: Literal["auto"] | None = None
    events: frozenset[StreamsEventName] | None = None
    resume: bool = False

    def subscribes_to(self, event: StreamsEventName) -> bool:
        return self.events is not None and event in self.events

    def updated(self, update: Session | TranscriptionSession, defaults: SessionOptions) -> SessionSettings:
        """Merged with ``update`` by presence; a null goes back to ``defaults``, or off where that exists.

        Raises InvalidRequestError for an update of a session of another kind.
        """
        if update.type != self.options.kind:
            message = f"This session is of type '{self.options.kind}', and stays what it was opened as"
            raise InvalidRequestError(message, param="session.type", code="unsupported_value")
        settings = self._with_input(update.audio.input, defaults)
        if "streams" in update.model_fields_set:
            settings = settings._with_streams(update.streams or NO_STREAMS, defaults)
        return settings._with_output(update, defaults) if isinstance(update, Session) else settings

    def _with_input(self, update: AudioInput, defaults: SessionOptions) -> SessionSettings:
        options: dict[str, Any] = {}
        is_transcription = self.options.kind == "transcription"
        if "turn_detection" in update.model_fields_set:
            turns = merged(self.options.turn_detection, update.turn_detection, defaults.turn_detection)
            options["turn_detection"] = unanswered(turns) if is_transcription else turns
        transcription = self.transcription
        if "transcription" in update.model_fields_set:
            transcription = _merged(transcription, update.transcription)
            options["transcription"] = is_transcription or transcription is not None
        return replace(
            self,
            options=replace(self.options, **options),
            transcription=transcription,
            input_format=_format(update, self.input_format),
        )

    def _with_streams(self, update: StreamsOptions, defaults: SessionOptions) -> SessionSettings:
        own, events, resume = update.model_fields_set, self.events, self.resume
        return replace(
            self,
            options=replace(self.options, **given_fields(update, ("proactive",), defaults)),
            events=frozenset(update.events or ()) if "events" in own else events or frozenset(),
            resume=bool(update.resume) if "resume" in own else resume,
        )

    def _with_output(self, update: Session, defaults: SessionOptions) -> SessionSettings:
        given, audio = update.model_fields_set, update.audio
        options = given_fields(update, ("instructions", "max_output_tokens"), defaults)
        options |= given_fields(audio.output, ("voice", "speed"), defaults)
        if "output_modalities" in given:
            modalities = update.output_modalities or [defaults.modality]
            options["modality"] = modalities[0]
        if "tools" in given:
            options["tools"] = tuple(tool.read() for tool in update.tools or ())
        if "tool_choice" in given:
            options["tool_choice"] = update.tool_choice.read() if update.tool_choice else "auto"
        return replace(
            self,
            model=update.model or self.model,
            options=replace(self.options, **options),
            output_format=_format(audio.output, self.output_format),
            tracing=update.tracing if "tracing" in given else self.tracing,
        )

    def to_wire(self, session_id: str, expires_at: int | None = None) -> dict[str, Any]:
        """The full session object, every field that the API defines for its kind.

        ``expires_at`` is in seconds since 1970.
        """
        is_transcription = self.options.kind == "transcription"
        session = self._transcription_to_wire() if is_transcription else self._realtime_to_wire()
        session = {"id": session_id, "type": self.options.kind, **session, "expires_at": expires_at}
        if self.events is not None:
            session["streams"] = {"events": sorted(self.events)}
            if self.options.proactive != "off":
                session["streams"]["proactive"] = self.options.proactive
        return session

    def _transcription_to_wire(self) -> dict[str, Any]:
        return {
            "object": "realtime.transcription_session",
            "audio": {"input": self._input_to_wire()},
            "include": None,
        }

    def _input_to_wire(self) -> dict[str, Any]:
        transcription = (self.transcription or Transcription()) if self.options.transcription else None
        return {
            "format": format_to_wire(self.input_format),
            "transcription": transcription and transcription.model_dump(exclude_none=True),
            "noise_reduction": None,
            "turn_detection": detection_to_wire(self.options.turn_detection),
        }

    def _realtime_to_wire(self) -> dict[str, Any]:
        options = self.options
        return {
            "object": "realtime.session",
            "model": self.model,
            "output_modalities": [options.modality],
            "instructions": options.instructions,
            "max_output_tokens": options.max_output_tokens,
            "audio": {
                "input": self._input_to_wire(),
                "output": {
                    "format": format_to_wire(self.output_format),
                    "voice": options.voice,
                    "speed": options.speed,
                },
            },
            "tools": tools_to_wire(options.tools),
            "tool_choice": choice_to_wire(options.tool_choice),
            "truncation": "auto",
            "include": None,
            "prompt": None,
            "tracing": self.tracing,
        }


def _format(update: AudioInput | AudioOutput, current: AudioFormat) -> AudioFormat:
    if "format" not in update.model_fields_set:
        return current
    return update.format.audio_format if update.format is not None else PCM16


def format_to_wire(audio_format: AudioFormat) -> dict[str, Any]:
    """The types of the API have a rate for PCM alone."""
    rate = {"rate": audio_format.rate} if audio_format is PCM16 else {}
    return {"type": audio_format.type, **rate}


def _merged(current: Transcription | None, update: Transcription | None) -> Transcription | None:
    if current is None or update is None:
        return update
    return current.model_copy(update=update.model_dump(exclude_unset=True))
