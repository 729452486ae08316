"""The session as the wire shows it: merged from updates, echoed whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.wire.base import Wire
from gateway.wire.client_event import (
    AudioInput,
    AudioOutput,
    Session,
    StreamsEventName,
    StreamsOptions,
    Transcription,
)
from gateway.wire.turn_settings import detection_to_wire, merged
from speech.audio_format import PCM16, AudioFormat
from streams.conversation import SessionOptions

OPTION_PATHS = {
    "instructions": "instructions",
    "modality": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "max_output_tokens": "max_output_tokens",
    "transcription": "audio.input.transcription",
    "turn_detection": "audio.input.turn_detection",
}
"""Where each field of SessionOptions is found in a session object."""


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

    def updated(self, update: Session, defaults: SessionOptions) -> SessionSettings:
        """Merged with ``update`` by presence; a null goes back to ``defaults``, or off where that exists."""
        given, audio = update.model_fields_set, update.audio
        options = _given(update, ("instructions", "max_output_tokens"), defaults)
        options |= _given(audio.output, ("voice", "speed"), defaults)
        if "output_modalities" in given:
            modalities = update.output_modalities or [defaults.modality]
            options["modality"] = modalities[0]
        if "turn_detection" in audio.input.model_fields_set:
            options["turn_detection"] = merged(
                self.options.turn_detection, audio.input.turn_detection, defaults.turn_detection
            )
        transcription = self.transcription
        if "transcription" in audio.input.model_fields_set:
            transcription = _merged(transcription, audio.input.transcription)
            options["transcription"] = transcription is not None
        events, resume = self.events, self.resume
        if "streams" in given:
            streams = update.streams or StreamsOptions(events=None, resume=None)
            own = streams.model_fields_set
            events = frozenset(streams.events or ()) if "events" in own else events or frozenset()
            resume = bool(streams.resume) if "resume" in own else resume
        return SessionSettings(
            model=update.model or self.model,
            options=replace(self.options, **options),
            transcription=transcription,
            input_format=_format(audio.input, self.input_format),
            output_format=_format(audio.output, self.output_format),
            tracing=update.tracing if "tracing" in given else self.tracing,
            events=events,
            resume=resume,
        )

    def to_wire(self, session_id: str, expires_at: int | None = None) -> dict[str, Any]:
        """The full session object, every field that the API defines; ``expires_at`` in seconds since 1970."""
        options = self.options
        transcription = (self.transcription or Transcription()) if options.transcription else None
        session: dict[str, Any] = {
            "id": session_id,
            "object": "realtime.session",
            "type": "realtime",
            "model": self.model,
            "output_modalities": [options.modality],
            "instructions": options.instructions,
            "max_output_tokens": options.max_output_tokens,
            "audio": {
                "input": {
                    "format": format_to_wire(self.input_format),
                    "transcription": transcription and transcription.model_dump(exclude_none=True),
                    "noise_reduction": None,
                    "turn_detection": detection_to_wire(options.turn_detection),
                },
                "output": {
                    "format": format_to_wire(self.output_format),
                    "voice": options.voice,
                    "speed": options.speed,
                },
            },
            "tools": [],
            "tool_choice": "auto",
            "truncation": "auto",
            "include": None,
            "prompt": None,
            "tracing": self.tracing,
            "expires_at": expires_at,
        }
        if self.events is not None:
            session["streams"] = {"events": sorted(self.events)}
        return session


def _given(update: Wire, names: tuple[str, ...], defaults: object) -> dict[str, Any]:
    """The fields of ``update`` that are present, by name; null as ``defaults`` has it."""
    values = ((name, getattr(update, name)) for name in names if name in update.model_fields_set)
    return {name: getattr(defaults, name) if value is None else value for name, value in values}


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
