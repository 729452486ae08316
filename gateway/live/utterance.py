"""One utterance being recognised while it is spoken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial as bind

import numpy as np

from speech.streaming import Partial, StreamingRecognizer
from streams.pipeline import URGENT, Worker
from streams.types import US_PER_MS, US_PER_S, AudioChunk, Samples, Transcript, Word

LAST_SOUND_US = 8 * US_PER_S
"""As much as tells whether a speaker has finished."""


class Utterance:
    """Feeds a ``StreamingRecognizer`` on the recogniser's thread, one hypothesis at a time.

    Live, a hypothesis that is due while another runs is skipped: the next one hears more. ``in_order``
    (replays) waits for each, so that the result does not depend on the machine.
    """

    def __init__(
        self,
        recognizer: StreamingRecognizer,
        worker: Worker,
        *,
        interval_ms: int,
        in_order: bool,
        on_partial: Callable[[Utterance, Partial], None],
    ) -> None:
        self._recognizer = recognizer
        self._worker = worker
        self._interval_us = interval_ms * US_PER_MS
        self._in_order = in_order
        self._on_partial = on_partial
        self._waiting: list[AudioChunk] = []
        self._running: asyncio.Task[None] | None = None
        self._start_us: int | None = None
        self._heard_us = 0
        self._confirmed: list[str] = []
        self._untold = 0
        self.words: tuple[Word, ...] | None = None
        """Those so far, as the last hypothesis has them; some may still change. None before the first."""
        self.committed = False
        """Whether the client ended it, rather than its silence."""
        self.pause_us: int | None = None
        """Where the voice has fallen silent, when it has not come back since."""
        self._last_sound: deque[AudioChunk] = deque()
        self._covered_us = 0
        self._again = False
        self.end_us = 0

    @property
    def audio_us(self) -> int:
        """Length of the sound appended so far."""
        return self.end_us - self.start_us

    @property
    def start_us(self) -> int:
        """Where its sound begins; ``end_us`` before there is any."""
        return self.end_us if self._start_us is None else self._start_us

    @property
    def text(self) -> str | None:
        """The words so far."""
        return None if self.words is None else Transcript(self.words).text

    def take_confirmed(self) -> str:
        """The words, no longer to change, that were not taken before."""
        words, self._untold = self._confirmed[self._untold :], len(self._confirmed)
        return " ".join(words)

    def first_hypothesis_after(self, ms: int) -> None:
        """And then as often: not sooner, for less sound has no words, and not later."""
        self._interval_us = ms * US_PER_MS

    async def append(self, chunk: AudioChunk) -> None:
        if self._start_us is None:
            self._start_us = self._heard_us = chunk.pts_us
        self._waiting.append(chunk)
        self._last_sound.append(chunk)
        if self._last_sound[0].end_us < chunk.end_us - LAST_SOUND_US:
            self._last_sound.popleft()
        self.end_us = chunk.end_us
        if self.end_us - self._heard_us >= self._interval_us:
            await self.hypothesize()

    def last_sound(self) -> Samples:
        """The last 8 s of it, float32 at 16 kHz."""
        return np.concatenate([chunk.samples for chunk in self._last_sound])

    async def text_at(self, end_us: int) -> str | None:
        """The words up to ``end_us`` as a hypothesis has them that runs now; None when none hears so far."""
        if self._running is not None:
            await asyncio.wait([self._running])
        return self.text if self._covered_us >= end_us else None

    async def hypothesize(self, *, again: bool = False) -> None:
        """Recognise what there is, as when the voice pauses: if this was the end, the words are ready.

        ``again``: when one that heard less is still running, another one follows it.
        """
        if self._running is not None and not self._running.done():
            self._again |= again
            return
        self._running = asyncio.create_task(self._hypothesize())
        if self._in_order:
            await self._running

    async def finish(self, voice_end_us: int) -> Transcript:
        """The final transcript of speech that ended at ``voice_end_us``."""
        if self._running is not None:
            await self._running
        chunks = self._take()

        def finish() -> Transcript:
            self._feed(chunks)
            return self._recognizer.finish(voice_end_us)

        return await self._worker.run(finish, URGENT)

    def cancel(self) -> None:
        """Recognise no further."""
        if self._running is not None:
            self._running.cancel()

    def _take(self) -> list[AudioChunk]:
        chunks, self._waiting = self._waiting, []
        return chunks

    def _feed(self, chunks: list[AudioChunk]) -> None:
        for chunk in chunks:
            self._recognizer.append(chunk)

    async def _hypothesize(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            self._heard_us = heard_us = self.end_us
            chunks = self._take()
            partial = await self._worker.run(bind(self._hear, chunks))
            self._confirmed += (word.text for word in partial.confirmed)
            self.words = self._recognizer.words
            self._covered_us = heard_us
            self._on_partial(self, partial)

    def _hear(self, chunks: list[AudioChunk]) -> Partial:
        self._feed(chunks)
        return self._recognizer.hypothesize()
