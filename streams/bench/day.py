"""A day in front of a camera, as fast as the machine can: one client on a gateway whose clock its media move.

Scenes change, somebody asks by voice or in writing, interrupts, and now and then another client comes
for a moment. What happens when is drawn from a seed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.assembly import Streams
from streams.bench.caller import Phrase
from streams.bench.exchange import Exchange, Exchanges
from streams.bench.resident import census, settled_bytes
from streams.client import WIRE_RATE, RealtimeClient, ServerEvent, audio_of
from streams.errors import StreamsError
from streams.talk.playback import tell_heard
from streams.talk.player import Player
from streams.types import US_PER_MS, US_PER_S

ANSWER_TIMEOUT_S = 600.0
PIECE = WIRE_RATE // 10
AFTER_SPEECH = np.zeros(WIRE_RATE * 6 // 5, np.float32)
"""Silence behind what is said, so that its end is noticed."""

HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to say and to show."""

    questions: Sequence[Phrase]
    long_questions: Sequence[Phrase]
    interruptions: Sequence[Phrase]
    pictures: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Density:
    """How much happens. Behind every frame comes its duplicate, which sampling leaves out."""

    frame_every_s: int = 10
    question_every_s: int = 300
    typed_share: float = 0.2
    interrupted_share: float = 0.2
    scene_s: tuple[int, int] = (30, 300)
    visitor_every_s: int = HOUR_S
    mark_every_s: int = HOUR_S


@dataclass(frozen=True, slots=True)
class Mark:
    """What was there at second ``at_s`` of the day, and what came of it so far."""

    at_s: int
    resident_bytes: int
    memory_bytes: dict[str, int]
    objects: Counter[str]
    frames: int
    answers: int
    interrupted: int
    visitors: int
    took_s: float


class Guest:
    """One client: shows, asks and waits for the answer, on the time that its media make."""

    def __init__(self, rng: random.Random, material: Material) -> None:
        self._rng = rng
        self._material = material
        self._heard = Exchanges()
        self._player = Player(WIRE_RATE)
        self.at_us = 0

    def on_event(self, event: ServerEvent) -> None:
        self._heard.on_event(event)
        if event["type"] == "response.output_audio.delta":
            self._player.put(event["item_id"], audio_of(event))

    async def show(self, client: RealtimeClient, picture: bytes) -> None:
        await client.append_frame(picture, self.at_us // US_PER_MS)

    async def ask(self, client: RealtimeClient) -> Exchange:
        return await self._say(client, self._rng.choice(self._material.questions))

    async def ask_in_writing(self, client: RealtimeClient) -> Exchange:
        question = self._rng.choice(self._material.questions).text
        exchange = self._heard.begin(question)
        content = [{"type": "input_text", "text": question}]
        item = {"type": "message", "role": "user", "content": content}
        await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        return await self._answered(exchange)

    async def interrupt(self, client: RealtimeClient) -> tuple[Exchange, Exchange]:
        """Ask for something long, and speak over the answer as soon as it is heard."""
        first = await self._speak(client, self._rng.choice(self._material.long_questions))
        await _within_patience(first.speaking, first)
        first.interrupted = not first.done.is_set()
        return first, await self._say(client, self._rng.choice(self._material.interruptions))

    async def _say(self, client: RealtimeClient, phrase: Phrase) -> Exchange:
        return await self._answered(await self._speak(client, phrase))

    async def _speak(self, client: RealtimeClient, phrase: Phrase) -> Exchange:
        exchange = self._heard.begin(phrase.text)
        samples = np.concatenate([phrase.samples, AFTER_SPEECH])
        for start in range(0, len(samples), PIECE):
            piece = samples[start : start + PIECE]
            await client.append_audio(piece)
            self.at_us += len(piece) * US_PER_S // WIRE_RATE
        return exchange

    async def _answered(self, exchange: Exchange) -> Exchange:
        await _within_patience(exchange.done, exchange)
        if self._heard.errors:
            raise StreamsError(f"'{exchange.question}': the server told of {dict(self._heard.errors)}")
        return exchange

    async def truncate(self, client: RealtimeClient) -> None:
        """Nobody listens here: of what was sent all but the first half second is cut."""
        self._player.pull(WIRE_RATE // 2)
        if (played := self._player.stop()) is not None:
            await tell_heard(client, played)

    def forget(self) -> None:
        """What was said is of no more interest."""
        self._player.stop()
        self._heard.exchanges.clear()


class Day:
    """Use once."""

    def __init__(
        self,
        streams: Streams,
        material: Material,
        density: Density,
        seed: int,
        tell: Callable[[Mark], None],
    ) -> None:
        """``tell`` is told of each mark as it is made."""
        self._streams = streams
        self._tell = tell
        self._material = material
        self._density = density
        self._rng = random.Random(seed)
        self._host = Guest(self._rng, material)
        self._scene_ends_s = 0
        self._scene = 0
        self._frames = self._answers = self._interrupted = self._visitors = 0

    async def run(self, url: str, seconds: int, advance: Callable[[int], None]) -> list[Mark]:
        """Live it on the gateway at ``url``; marks as often as the density says, and at the end.

        ``advance`` is told of seconds passed. Raises StreamsError when an answer stays away, or the server
        tells of an error.
        """
        density, begun_s = self._density, time.perf_counter()
        marks: list[Mark] = []
        async with RealtimeClient(url, self._host.on_event) as client:
            for second in range(density.frame_every_s, seconds + 1, density.frame_every_s):
                self._host.at_us = max(self._host.at_us, second * US_PER_S)
                await self._look(client, second)
                if second % density.question_every_s == 0:
                    await self._converse(client)
                if second % density.visitor_every_s == 0:
                    await self._visit(url)
                if second % density.mark_every_s == 0 or second + density.frame_every_s > seconds:
                    marks.append(await self._mark(second, time.perf_counter() - begun_s))
                advance(density.frame_every_s)
        return marks

    async def _look(self, client: RealtimeClient, second: int) -> None:
        if second >= self._scene_ends_s:
            self._scene = self._rng.randrange(len(self._material.pictures))
            self._scene_ends_s = second + self._rng.randint(*self._density.scene_s)
        picture = self._material.pictures[self._scene]
        await self._host.show(client, picture)
        self._host.at_us += US_PER_S
        await self._host.show(client, picture)
        self._frames += 2

    async def _converse(self, client: RealtimeClient) -> None:
        draw, density = self._rng.random(), self._density
        if draw < density.typed_share:
            answered = [await self._host.ask_in_writing(client)]
        elif draw < density.typed_share + density.interrupted_share:
            answered = [*await self._host.interrupt(client)]
        else:
            answered = [await self._host.ask(client)]
        if self._rng.random() < 0.5:
            await self._host.truncate(client)
        self._answers += len(answered)
        self._interrupted += sum(each.status == "cancelled" for each in answered)
        self._host.forget()

    async def _visit(self, url: str) -> None:
        """Somebody else connects, shows one picture, asks one question, and leaves."""
        visitor = Guest(self._rng, self._material)
        async with RealtimeClient(url, visitor.on_event) as client:
            await visitor.show(client, self._rng.choice(self._material.pictures))
            await visitor.ask(client)
        self._visitors += 1

    async def _mark(self, second: int, took_s: float) -> Mark:
        memory = await asyncio.to_thread(self._streams.memory_bytes)
        mark = Mark(
            second,
            settled_bytes(),
            memory,
            census(),
            self._frames,
            self._answers,
            self._interrupted,
            self._visitors,
            took_s,
        )
        self._tell(mark)
        return mark


async def _within_patience(event: asyncio.Event, exchange: Exchange) -> None:
    try:
        await asyncio.wait_for(event.wait(), ANSWER_TIMEOUT_S)
    except TimeoutError:
        raise StreamsError(f"'{exchange.question}' got no answer in {ANSWER_TIMEOUT_S:.0f} s") from None
