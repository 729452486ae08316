"""What is still open in a conversation, by the events that its server sends."""

from __future__ import annotations

import asyncio

from streams.client import ServerEvent


class OpenTurns:
    """Whether somebody is heard speaking, words are still to be known, or an answer is being given."""

    def __init__(self) -> None:
        self.speaking = False
        self._unheard: set[str] = set()
        self._responses: set[str] = set()
        self._closed = asyncio.Event()
        self._closed.set()

    def on_event(self, event: ServerEvent) -> None:
        match event["type"]:
            case "input_audio_buffer.speech_started":
                self.speaking = True
            case "input_audio_buffer.committed":
                self.speaking = False
                self._unheard.add(event["item_id"])
            case "input_audio_buffer.cleared":
                self.speaking = False
            case (
                "conversation.item.input_audio_transcription.completed"
                | "conversation.item.input_audio_transcription.failed"
            ):
                self._unheard.discard(event["item_id"])
            case "response.created":
                self._responses.add(event["response"]["id"])
            case "response.done":
                self._responses.discard(event["response"]["id"])
            case _:
                pass
        if self.open:
            self._closed.clear()
        else:
            self._closed.set()

    @property
    def open(self) -> bool:
        return self.speaking or bool(self._unheard) or self.answering

    @property
    def answering(self) -> bool:
        return bool(self._responses)

    async def closed(self) -> None:
        """Return when nothing is open."""
        await self._closed.wait()
