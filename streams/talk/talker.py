"""One side of a conversation: sends what is said, shown and typed, and plays what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from streams.client import RealtimeClient, ServerEvent
from streams.conversation import ProactiveMode
from streams.errors import ConfigError, StreamsError
from streams.session import new_id
from streams.talk.playback import AnswerPlayback, tell_heard
from streams.talk.player import Played, Player
from streams.talk.sight import Shown
from streams.talk.sound import PIECE_MS, SILENCE
from streams.talk.teller import TOLD
from streams.talk.turns import OpenTurns
from streams.types import US_PER_MS, Samples

AFTER_SPEECH_MS = 1_200
"""Of silence behind a file, so that the end of what is said in it is noticed."""

MEDIA_CLOCK = "media"

NEAR_S = PIECE_MS / 1_000


class Talker:
    """Give ``on_event`` to the client, then ``run``. Use once."""

    def __init__(
        self, player: Player, watchers: Sequence[Callable[[ServerEvent], None]], *, resumes: bool = False
    ) -> None:
        """``watchers`` are told of every event, before it is acted on. ``resumes``: the client comes back by
        itself, for which it sends an update of its own at first.
        """
        self._player = player
        self._playback = AnswerPlayback(player)
        self._watchers = watchers
        self._turns = OpenTurns()
        self._cut: asyncio.Queue[Played] = asyncio.Queue()
        self._updates: dict[str, asyncio.Future[ServerEvent] | None] = (
            {"the client's": None} if resumes else {}
        )

    def on_event(self, event: ServerEvent) -> None:
        for watch in self._watchers:
            watch(event)
        self._turns.on_event(event)
        self._note_update(event)
        if (played := self._playback.on_event(event)) is not None:
            self._cut.put_nowait(played)

    async def run(
        self,
        client: RealtimeClient,
        *,
        sound: AsyncIterator[Samples] | None,
        sight: AsyncIterator[Shown] | None,
        typed: AsyncIterator[str] | None,
        fast: bool = False,
        aloud: bool = True,
        proactive: ProactiveMode = "off",
    ) -> None:
        """Until what is said is over and answered; without sound what is typed; else what is shown.

        ``aloud``: answers are to be spoken, not only written. ``proactive``: how far the session is to speak
        up by itself. Raises ExceptionGroup of what sources and
        connection raise; of ConfigError when it is to be ``fast`` and the server's clock does not go along.
        """
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(client))
            telling = tasks.create_task(self._tell(client))
            wanted: dict[str, Any] = {} if aloud else {"output_modalities": ["text"]}
            session = await self._update(
                client,
                audio={"input": {"transcription": {"model": "embedded"}}},
                streams={"events": list(TOLD), "proactive": proactive},
                **wanted,
            )
            if fast and session["streams"].get("clock") != MEDIA_CLOCK:
                raise ConfigError(
                    "--fast needs a server whose sessions run on the clock of what they are sent "
                    "(server.clock = media), and this one's run on the wall clock: what is said faster than "
                    "it lasts would not be understood",
                    param="--fast",
                )
            showing = None if sight is None else tasks.create_task(self._show(client, sight))
            typing = None if typed is None else tasks.create_task(self._type(client, typed))
            if sound is not None:
                await self._speak(client, sound, fast=fast)
            elif showing is not None and (typing is None or not await typing):
                await showing
            elif typing is not None:
                await typing
            await self._turns.closed()
            while self._player.playing:  # noqa: ASYNC110 - emptied by a sound card's thread
                await asyncio.sleep(NEAR_S)
            for task in (watching, telling, showing, typing):
                if task is not None:
                    task.cancel()

    def _note_update(self, event: ServerEvent) -> None:
        """Updates are answered in order, or refused by name."""
        if event["type"] == "session.updated" and self._updates:
            updated = self._updates.pop(next(iter(self._updates)))
            if updated is not None:
                updated.set_result(event["session"])
        elif event["type"] == "error":
            updated = self._updates.pop(event["error"]["event_id"], None)
            if updated is not None:
                updated.set_exception(StreamsError(event["error"]["message"], param=event["error"]["param"]))

    async def _update(self, client: RealtimeClient, **session: Any) -> ServerEvent:
        """Change the session; returns it when the server has taken that in, and all that was sent before.

        Raises StreamsError when it is refused.
        """
        event_id = new_id("update")
        updated: asyncio.Future[ServerEvent] = asyncio.get_running_loop().create_future()
        self._updates[event_id] = updated
        await client.send("session.update", event_id=event_id, session={"type": "realtime", **session})
        return await updated

    async def _tell(self, client: RealtimeClient) -> None:
        while True:
            await tell_heard(client, await self._cut.get())

    async def _speak(self, client: RealtimeClient, sound: AsyncIterator[Samples], *, fast: bool) -> None:
        async for piece in sound:
            await client.append_audio(piece)
        silent_ms = 0
        while silent_ms < AFTER_SPEECH_MS or self._turns.speaking:
            if not fast:
                await asyncio.sleep(NEAR_S)
            await client.append_audio(SILENCE)
            silent_ms += PIECE_MS
            if silent_ms >= AFTER_SPEECH_MS:
                await self._update(client)

    async def _show(self, client: RealtimeClient, sight: AsyncIterator[Shown]) -> None:
        async for at_us, encoded in sight:
            await client.append_frame(encoded, at_us // US_PER_MS)

    async def _type(self, client: RealtimeClient, typed: AsyncIterator[str]) -> int:
        """Returns how many lines there were."""
        lines = 0
        async for line in typed:
            lines += 1
            await self._interrupt(client)
            content = [{"type": "input_text", "text": line}]
            await client.send(
                "conversation.item.create", item={"type": "message", "role": "user", "content": content}
            )
            await client.send("response.create")
            await self._update(client)
        return lines

    async def _interrupt(self, client: RealtimeClient) -> None:
        """Who types does not want to hear the rest of the answer."""
        if (played := self._player.stop()) is not None:
            await tell_heard(client, played)
        if self._turns.answering:
            await client.send("response.cancel")
        await self._turns.closed()


async def _watch(client: RealtimeClient) -> None:
    """Raises StreamsError once the session is lost, also while nothing is sent."""
    raise await client.lost()
