"""Plays answers as they come, and stops, pauses and goes on as the server's events say."""

from __future__ import annotations

from streams.client import RealtimeClient, ServerEvent, audio_of
from streams.talk.player import Played, Player


class AnswerPlayback:
    """What a Realtime client does about interruptions: on ``speech_started`` playing stops at once, and the
    server is told how much was heard. ``response.held`` and ``.resumed`` (to who subscribes) are a pause.
    """

    def __init__(self, player: Player) -> None:
        self.player = player

    def on_event(self, event: ServerEvent) -> Played | None:
        """Follow ``event``; the answer that it cut, whose rest was not heard."""
        match event["type"]:
            case "response.output_audio.delta":
                self.player.put(event["item_id"], audio_of(event))
            case "input_audio_buffer.speech_started":
                return self.player.stop()
            case "response.held":
                self.player.hold()
            case "response.resumed":
                self.player.resume()
            case _:
                pass
        return None


async def tell_heard(client: RealtimeClient, played: Played) -> None:
    """Have the conversation remember only what was heard."""
    await client.send(
        "conversation.item.truncate",
        item_id=played.item_id,
        content_index=0,
        audio_end_ms=played.heard_ms,
    )
