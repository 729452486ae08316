"""The user's words on the wire, as they are recognised."""

from __future__ import annotations

from gateway.wire.server_event import ServerEvent
from gateway.wire.session_settings import SessionSettings
from streams.events import TranscriptCompleted, TranscriptFailed, TranscriptPartial
from streams.types import US_PER_S

PREFIX = "conversation.item.input_audio_transcription"


class TranscriptWriter:
    """Keeps what was sent of each transcript, so that its deltas add up to the whole."""

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}

    def messages(
        self, event: TranscriptPartial | TranscriptCompleted | TranscriptFailed, settings: SessionSettings
    ) -> list[ServerEvent]:
        """Nothing but subscribed partials when the client has transcription off."""
        match event:
            case TranscriptPartial():
                return self._partial(event, settings)
            case TranscriptCompleted():
                sent = self._sent.pop(event.item_id, "")
                return self._completed(event, sent) if settings.options.transcription else []
            case TranscriptFailed(item_id, error):
                self._sent.pop(item_id, None)
                if not settings.options.transcription:
                    return []
                detail = {
                    "type": "server_error",
                    "code": error.code,
                    "message": error.message,
                    "param": error.param,
                }
                return [{"type": f"{PREFIX}.failed", "item_id": item_id, "content_index": 0, "error": detail}]

    def _partial(self, event: TranscriptPartial, settings: SessionSettings) -> list[ServerEvent]:
        messages = []
        confirmed = event.confirmed.strip()
        if confirmed and settings.options.transcription:
            sent = self._sent.get(event.item_id, "")
            delta = f" {confirmed}" if sent else confirmed
            self._sent[event.item_id] = sent + delta
            messages.append(_delta(event.item_id, delta))
        if settings.subscribes_to("conversation.item.input_audio_transcription.partial"):
            messages.append(
                {
                    "type": f"{PREFIX}.partial",
                    "item_id": event.item_id,
                    "content_index": 0,
                    "confirmed": event.confirmed,
                    "tentative": event.tentative,
                }
            )
        return messages

    def _completed(self, event: TranscriptCompleted, sent: str) -> list[ServerEvent]:
        text = event.transcript.text
        rest = text.removeprefix(sent)
        messages = [_delta(event.item_id, rest)] if rest and text.startswith(sent) else []
        messages.append(
            {
                "type": f"{PREFIX}.completed",
                "item_id": event.item_id,
                "content_index": 0,
                "transcript": text,
                "usage": {"type": "duration", "seconds": event.audio_us / US_PER_S},
            }
        )
        return messages


def _delta(item_id: str, delta: str) -> ServerEvent:
    return {"type": f"{PREFIX}.delta", "item_id": item_id, "content_index": 0, "delta": delta}
