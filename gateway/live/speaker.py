"""Speaks a response clause by clause, a little ahead of being heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

from gateway.live.playback import Playback
from gateway.live.spoken_text import SpokenText
from gateway.live.voices import resolve_voice
from speech.audio import trim_start
from speech.tts import Synthesizer
from streams.conversation import SessionOptions
from streams.pipeline import Worker
from streams.types import US_PER_S, AudioChunk, Samples

PIECE_MS = 100
"""Sound is sent in pieces of this length, so that an interruption comes between two."""

Hold: TypeAlias = Literal["voice", "away"]
"""Why nothing is sent: somebody may be interrupting, or the client has lost its socket."""

AHEAD_CLAUSES = 2
"""Clauses that may be synthesised before they can be sent."""


class Speaker:
    """Synthesises the next clause while it sends the one before. Nothing is sent while held or stopped."""

    def __init__(
        self,
        voice: Synthesizer,
        worker: Worker,
        options: SessionOptions,
        playback: Playback,
        send: Callable[[AudioChunk, int], None],
    ) -> None:
        """``send`` takes sound at its place in the reply, and the time from which it is played."""
        self._voice = voice
        self._worker = worker
        self._options = options
        self._playback = playback
        self._send = send
        self._clauses: asyncio.Queue[str | None] = asyncio.Queue()
        self._sounds: asyncio.Queue[tuple[str, Samples] | None] = asyncio.Queue()
        self._ahead = asyncio.Semaphore(AHEAD_CLAUSES)
        self._holds: set[Hold] = set()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._stopped = False
        self.spoken = SpokenText()

    def say(self, clause: str) -> None:
        self._clauses.put_nowait(clause)

    def end(self) -> None:
        """There is no more to say."""
        self._clauses.put_nowait(None)

    def hold(self, why: Hold) -> None:
        """Send nothing until every hold is released; synthesis goes on."""
        self._holds.add(why)
        if not self._stopped:
            self._may_send.clear()

    def release(self, why: Hold) -> None:
        self._holds.discard(why)
        if not self._holds:
            self._may_send.set()

    def stop(self) -> None:
        self._stopped = True
        self._may_send.set()

    async def run(self) -> None:
        """Return when all is said, or after a stop. Raises what synthesis raises."""
        synthesising = asyncio.create_task(self._synthesise())
        try:
            while (sound := await self._sounds.get()) is not None:
                await self._say(*sound)
                self._ahead.release()
            await synthesising
        finally:
            synthesising.cancel()

    async def _synthesise(self) -> None:
        options, first = self._options, True
        voice = resolve_voice(options.voice, self._voice.voices)
        try:
            while (clause := await self._clauses.get()) is not None:
                await self._ahead.acquire()
                if self._stopped:
                    return
                samples = await self._worker.run(
                    partial(self._voice.synthesize, clause, voice=voice, speed=options.speed)
                )
                if first:
                    samples, first = trim_start(samples, self._voice.rate), False
                self._sounds.put_nowait((clause, samples))
        finally:
            self._sounds.put_nowait(None)

    async def _say(self, clause: str, samples: Samples) -> None:
        if self._stopped:
            return
        rate = self._voice.rate
        self.spoken.add(clause, len(samples) * US_PER_S // rate)
        piece = rate * PIECE_MS // 1_000
        for start in range(0, len(samples), piece):
            await self._playback.wait_for_room()
            await self._may_send.wait()
            if self._stopped:
                return
            chunk = AudioChunk(self._playback.sent_us, rate, samples[start : start + piece])
            plays_us = self._playback.send(chunk.duration_us)
            self._send(chunk, plays_us)
