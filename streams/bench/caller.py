"""A simulated user in real time: microphone always on, a camera beside it, a loudspeaker that can be cut."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from speech.tts import Synthesizer
from streams.bench.exchange import SUBSCRIBED, Exchange, Exchanges
from streams.client import WIRE_RATE, RealtimeClient, ServerEvent
from streams.clock import WallClock
from streams.talk.playback import AnswerPlayback, tell_heard
from streams.talk.player import Played, Player
from streams.types import US_PER_MS, US_PER_S, Samples

CHUNK_MS = 20
CHUNK_SAMPLES = WIRE_RATE * CHUNK_MS // 1_000
FRAMES_PER_S = 2.0
QUIET_LEVEL = 0.01
ANSWER_TIMEOUT_S = 60.0

SILENCE = np.zeros(CHUNK_SAMPLES, np.float32)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to say: from the first voiced sample to the last, float32 at the wire's rate."""

    text: str
    samples: Samples


def speak(voice: Synthesizer, texts: Sequence[str]) -> list[Phrase]:
    """``texts`` spoken, without the quiet before and after."""
    assert voice.rate == WIRE_RATE
    phrases = []
    for text in texts:
        samples = voice.synthesize(text)
        loud = np.flatnonzero(np.abs(samples) > QUIET_LEVEL)
        phrases.append(Phrase(text, samples[int(loud[0]) : int(loud[-1]) + 1]))
    return phrases


class Caller:
    """One user of one session, whose devices run while inside ``calling``."""

    def __init__(self) -> None:
        self.player = Player(WIRE_RATE)
        self._playback = AnswerPlayback(self.player)
        self.heard = Exchanges()
        self._mouth: deque[Samples] = deque()
        self._saying: Exchange | None = None
        self._cut: deque[Played] = deque()
        self._quiet = asyncio.Event()
        self._clock = WallClock()
        self.frames_sent = 0

    def on_event(self, event: ServerEvent) -> None:
        if (played := self._playback.on_event(event)) is not None:
            self._cut.append(played)
        self.heard.on_event(event)

    async def run(self, client: RealtimeClient, pictures: Sequence[bytes], fps: float) -> None:
        """Microphone, loudspeaker and, with ``pictures``, camera, until cancelled."""
        session = {
            "type": "realtime",
            "audio": {"input": {"transcription": {"model": "embedded"}}},
            "streams": {"events": list(SUBSCRIBED)},
        }
        await client.send("session.update", session=session)
        self._clock = WallClock()
        async with asyncio.TaskGroup() as devices:
            devices.create_task(self._sound(client))
            if pictures:
                devices.create_task(self._camera(client, pictures, fps))

    async def _sound(self, client: RealtimeClient) -> None:
        at_us = 0
        while True:
            at_us += CHUNK_MS * US_PER_MS
            await self._clock.sleep_until(at_us)
            self.player.pull(CHUNK_SAMPLES)
            if not self.player.playing:
                self._quiet.set()
            while self._cut:
                await tell_heard(client, self._cut.popleft())
            await self._send(client)

    async def _send(self, client: RealtimeClient) -> None:
        chunk, exchange = (self._mouth.popleft(), self._saying) if self._mouth else (SILENCE, None)
        if exchange is not None and exchange.voice_start_s is None:
            exchange.voice_start_s = time.perf_counter()
        await client.append_audio(chunk)
        if exchange is not None and not self._mouth:
            exchange.voice_end_s = time.perf_counter()

    async def _camera(self, client: RealtimeClient, pictures: Sequence[bytes], fps: float) -> None:
        for number, picture in enumerate(cycle(pictures)):
            at_us = round(number * US_PER_S / fps)
            await self._clock.sleep_until(at_us)
            await client.append_frame(picture, at_us // US_PER_MS)
            self.frames_sent += 1

    def say(self, phrase: Phrase) -> Exchange:
        """Begin to speak."""
        assert not self._mouth, "still speaking"
        self._saying = exchange = self.heard.begin(phrase.text)
        padded = np.pad(phrase.samples, (0, -len(phrase.samples) % CHUNK_SAMPLES))
        self._mouth.extend(padded.reshape(-1, CHUNK_SAMPLES))
        return exchange

    async def ask(self, phrase: Phrase) -> Exchange:
        """Speak, and return when the answer was heard; ``status`` stays empty where none came in time."""
        exchange = self.say(phrase)
        if await _happened(exchange.done):
            await self.listen()
        return exchange

    async def ask_and_interrupt(
        self, phrase: Phrase, interruption: Phrase, after_s: float
    ) -> tuple[Exchange, Exchange]:
        """Speak, listen to ``after_s`` of the answer, speak over it, and listen to the next answer."""
        first = self.say(phrase)
        if await _happened(first.speaking):
            await asyncio.sleep(after_s)
        first.interrupted = not first.done.is_set()
        return first, await self.ask(interruption)

    async def listen(self) -> None:
        """Return when all that has come was played."""
        self._quiet.clear()
        await self._quiet.wait()


@asynccontextmanager
async def calling(url: str, pictures: Sequence[bytes], fps: float = FRAMES_PER_S) -> AsyncIterator[Caller]:
    """A caller in a session of the gateway at ``url``; without ``pictures`` it has no camera.

    ``pictures`` are shown ``fps`` a second, one after the other and again from the first.

    Raises what connecting raises. When the connection is lost, what is inside is cancelled and a group with
    ConnectionClosed raised.
    """
    caller = Caller()
    async with RealtimeClient(url, caller.on_event) as client, asyncio.TaskGroup() as group:
        devices = group.create_task(caller.run(client, pictures, fps))
        yield caller
        devices.cancel()


async def _happened(event: asyncio.Event) -> bool:
    """Whether ``event`` is set in time."""
    try:
        await asyncio.wait_for(event.wait(), ANSWER_TIMEOUT_S)
    except TimeoutError:
        return False
    return True
