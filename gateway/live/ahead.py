"""Begins to answer at the first silence, so that the answer is there when the turn turns out to have ended.

Speculative execution, as in a processor: what was begun is either exactly what is wanted, or thrown away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from gateway.backend import Backend
from gateway.live.spoken_text import added_text
from gateway.live.voices import resolve_voice
from llm.answer_ahead import AnswerAhead
from speech.clause import ClauseSplitter
from speech.tts import Synthesizer
from streams.clock import Clock
from streams.conversation import SessionOptions
from streams.types import Samples


class VoiceAhead:
    """A synthesiser whose first clause was begun ahead, on the thread on which it is asked for again."""

    def __init__(self, voice: Synthesizer) -> None:
        self.name, self.rate = voice.name, voice.rate
        self.voices, self.speeds = voice.voices, voice.speeds
        self._voice = voice
        self._begun: dict[tuple[str, str | None, float], Future[Samples]] = {}

    def begin(self, text: str, voice: str | None, speed: float, work: Future[Samples]) -> None:
        self._begun[text, voice, speed] = work

    def synthesize(self, text: str, *, voice: str | None = None, speed: float = 1.0) -> Samples:
        begun = self._begun.pop((text, voice, speed), None)
        return begun.result() if begun else self._voice.synthesize(text, voice=voice, speed=speed)


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer to ``text`` under ``options``, as far as it has come."""

    text: str
    options: SessionOptions
    answer: AnswerAhead
    voice: VoiceAhead
    task: asyncio.Task[None]


class Ahead:
    """At most one answer ahead of its question, up to its first clause, spoken. Nobody is told of it."""

    def __init__(self, backend: Backend, clock: Clock, min_clause_chars: int) -> None:
        self._backend = backend
        self._clock = clock
        self._min_clause_chars = min_clause_chars
        self._begun: Begun | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def begun(self) -> bool:
        """Whether there is one."""
        return self._begun is not None

    def begin(self, text: str, options: SessionOptions, new_answer: Callable[[], AnswerAhead]) -> None:
        """``text`` may be all that is said. Does nothing when its answer is begun already."""
        if self._begun is not None:
            if (self._begun.text, self._begun.options) == (text, options):
                return
            self.drop()
        answer, voice = new_answer(), VoiceAhead(self._backend.synthesizer)
        task = asyncio.create_task(self._write(answer, voice, options))
        self._begun = Begun(text, options, answer, voice, task)

    def take(self, text: str, options: SessionOptions) -> Begun | None:
        """The answer to go on with, if one was begun for just this; another one is dropped."""
        begun = self._begun
        if begun is None:
            return None
        task = begun.task
        failed = task.done() and (task.cancelled() or task.exception() is not None)
        if failed or (begun.text, begun.options) != (text, options):
            self.drop()
            return None
        self._begun = None
        begun.task.cancel()  # between two steps: who takes it goes on
        return begun

    def drop(self) -> None:
        """More was said, or something else happened: the answer never was."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.task.cancel()
            ending = asyncio.create_task(self._discard(begun))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        self.drop()
        if self._ending:
            await asyncio.wait([*self._ending])

    async def _discard(self, begun: Begun) -> None:
        await asyncio.gather(begun.task, return_exceptions=True)
        await self._backend.engine.run(begun.answer.discard)

    async def _write(self, answer: AnswerAhead, voice: VoiceAhead, options: SessionOptions) -> None:
        """Of lower priority than answers that are wanted. What fails here fails again for who asks."""
        engine = self._backend.engine
        await engine.drive(answer.prepare_ahead())
        clauses, text, first = ClauseSplitter(self._min_clause_chars), "", list[str]()
        while not first:
            token = await engine.run(lambda: answer.step_ahead(self._clock.now_us()))
            if token is None:
                first = clauses.flush()
                break
            piece = added_text(token, first=not text)
            text += piece
            first = clauses.push(piece)
        if first and options.modality == "audio" and answer.call is None:
            self._speak(voice, first[0], options)

    def _speak(self, voice: VoiceAhead, clause: str, options: SessionOptions) -> None:
        synthesizer = self._backend.synthesizer
        name = resolve_voice(options.voice, synthesizer.voices)
        say = partial(synthesizer.synthesize, clause, voice=name, speed=options.speed)
        voice.begin(clause, name, options.speed, self._backend.synthesizer_worker.submit(say))
