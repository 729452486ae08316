"""Takes a session's turns by voice: from sound that is heard to words that are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.backend import Backend
from gateway.live.hearing import Hearing
from gateway.live.live import Emit
from gateway.live.reading import Heard, Reading
from gateway.live.responder import Responder
from gateway.live.response import Stopwatch
from gateway.live.tasks import Tasks
from gateway.live.utterance import Utterance
from speech.streaming import Partial
from streams.clock import Clock, ReplayClock
from streams.config import SpeechConfig
from streams.conversation import TurnDetection
from streams.errors import StreamsError
from streams.events import TranscriptFailed, TranscriptPartial
from streams.session import Outcome, Session
from streams.types import US_PER_MS, Samples

Follow: TypeAlias = Callable[[Sequence[Outcome]], None]
"""Carries out and reports what follows from something that happened."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An utterance that ended and waits for its final transcript.

    Its sound's times plus ``offset_us`` are on the session's clock.
    """

    utterance: Utterance
    voice_end_us: int
    offset_us: int
    watch: Stopwatch


class Turns:
    """Between hearing (whose handler this is) and the rules of ``streams.session``."""

    def __init__(
        self,
        backend: Backend,
        config: SpeechConfig,
        session: Session,
        reading: Reading,
        responder: Responder,
        clock: Clock,
        tasks: Tasks,
        emit: Emit,
        follow: Follow,
    ) -> None:
        self._session = session
        self._reading = reading
        self._responder = responder
        self._clock = clock
        self._in_order = isinstance(clock, ReplayClock)
        self._tasks = tasks
        self._emit = emit
        self._follow = follow
        self._hearing = Hearing(backend, config, session.options.turn_detection, clock, self)
        self._turn: Turn | None = None
        self._committing = False
        self._recognising: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()

    # What a client asks for.

    def configure(self, turns: TurnDetection | None) -> None:
        self._hearing.configure(turns)

    async def append(self, samples: Samples, rate: int) -> None:
        await self._hearing.push(samples, rate)

    async def commit(self) -> None:
        """Raises InvalidRequestError when nothing was heard since the last turn."""
        if self._session.utterance is None:
            self._follow(self._session.committed())
        self._committing = True
        await self._hearing.end()

    def clear(self) -> None:
        self._hearing.clear()
        self._follow(self._session.cleared())

    def close(self) -> None:
        self._hearing.close()

    # What hearing reports (HearingHandler).

    def speech_started(self, at_us: int) -> None:
        self._follow(self._session.speech_started(at_us))

    def speech_stopped(self, at_us: int, voice_end_us: int, utterance: Utterance) -> None:
        ended_us = self._hearing.to_clock(voice_end_us)
        waited_us = 0 if self._in_order else self._clock.now_us() - ended_us
        watch = Stopwatch(max(waited_us, 0) / US_PER_MS)
        self._turn = Turn(utterance, voice_end_us, ended_us - voice_end_us, watch)
        committing, self._committing = self._committing, False
        self._follow(self._session.committed() if committing else self._session.speech_stopped(at_us))

    def partial(self, partial: Partial) -> None:
        item_id = self._session.utterance
        if item_id is not None:
            confirmed = " ".join(word.text for word in partial.confirmed)
            self._emit(TranscriptPartial(item_id, confirmed, partial.tentative))

    # Words.

    def recognise(self, item_id: str) -> None:
        """Make the final transcript of the turn that just ended, which became ``item_id``."""
        assert self._turn is not None, "no turn has ended"
        task = self._tasks.start(self._recognise(item_id, self._turn))
        self._recognising.add(task)
        task.add_done_callback(self._recognising.discard)

    async def recognised(self) -> None:
        """Return once the words of every turn that has ended are known."""
        if self._recognising:
            await asyncio.wait([*self._recognising])

    async def _recognise(self, item_id: str, turn: Turn) -> None:
        async with self._in_turn:  # so that words are taken in in the order they were said
            try:
                transcript = await turn.utterance.finish(turn.voice_end_us)
            except StreamsError as error:
                self._emit(TranscriptFailed(item_id, error))
                return
            if words := transcript.words:
                start_us = max(words[0].start_us + turn.offset_us, 0)
                end_us = max(words[-1].end_us + turn.offset_us, start_us)
                await self._reading.hear(Heard(transcript.text, start_us, end_us, item_id, turn.watch))
            await self._responder.stopped()
            self._follow(self._session.recognised(item_id, transcript, turn.utterance.audio_us))
