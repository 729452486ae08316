"""One response: written by the model, spoken clause by clause while it is still being written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.live.live import Emit
from gateway.live.playback import Playback
from gateway.live.speaker import Hold, Speaker
from gateway.live.spoken_text import SpokenText, added_text
from llm.answer import Answer
from speech.clause import ClauseSplitter
from speech.tts import Synthesizer
from streams.clock import Clock
from streams.conversation import Item, SessionOptions
from streams.errors import StreamsError
from streams.events import (
    ArgumentsDelta,
    AudioDelta,
    MomentsRecalled,
    ResponseStatus,
    StageTimes,
    StatusReason,
    TextDelta,
)
from streams.pipeline import URGENT, Worker
from streams.types import US_PER_MS, AudioChunk

Begin: TypeAlias = Callable[[str | None], Item]
"""Opens the reply's item: a message, or a call of the function of this name."""

Plays: TypeAlias = Callable[[AudioChunk], None]
"""Is told of the sound that a client plays, at its time on the session's clock."""

LoadPictures: TypeAlias = Callable[[Sequence[int]], Awaitable[None]]
"""Has the pictures of these blocks brought from memory, before they are told of."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How much sound of a reply was sent, and its words."""

    spoken: SpokenText
    duration_us: int


class Stopwatch:
    """Milliseconds since a question ended, by the processor's clock."""

    def __init__(self, already_ms: float = 0.0) -> None:
        """``already_ms`` have passed since the question ended."""
        self._start = time.perf_counter() - already_ms / 1e3

    def ms(self) -> float:
        return (time.perf_counter() - self._start) * 1e3


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the responses of one session are worked out and given: what they all share.

    ``plays`` is None where nobody does. The voice speaks clauses of ``min_clause_chars`` and
    more, at most ``lead_ms`` before they are heard.
    """

    engine: Worker
    voice_worker: Worker
    clock: Clock
    emit: Emit
    load_pictures: LoadPictures
    plays: Plays | None
    min_clause_chars: int
    lead_ms: int
    paced: bool
    """Whether sound is heard at the speed of the clock, as a person hears it."""


class Response:
    """Writes and speaks one answer, until it is complete or stopped."""

    def __init__(
        self,
        response_id: str,
        answer: Answer,
        options: SessionOptions,
        voice: Synthesizer,
        delivery: Delivery,
        watch: Stopwatch,
    ) -> None:
        """``watch`` runs since the end of the question."""
        self.id = response_id
        self.item_id = ""
        """The reply's item; "" before it has one."""
        self.answer = answer
        self.options = options
        self._engine = delivery.engine
        self._clock = delivery.clock
        self._load_pictures = delivery.load_pictures
        self._emit = delivery.emit
        self._plays = delivery.plays
        self._clauses = ClauseSplitter(delivery.min_clause_chars)
        self._watch = watch
        self._playback = Playback(self._clock, delivery.lead_ms * US_PER_MS, paced=delivery.paced)
        self._speaker = Speaker(voice, delivery.voice_worker, options, self._playback, self._send)
        self._stopped: StatusReason | None = None
        self._stopped_us = 0
        self._heard_us: int | None = None
        self._text = ""
        self._times: dict[str, float] = {}

    @property
    def stopped(self) -> StatusReason | None:
        return self._stopped

    def ended(self, error: StreamsError | None) -> tuple[ResponseStatus, StatusReason | None]:
        """How it ended, by the ``error`` that ended it if one did."""
        if error is not None:
            return "failed", None
        if self._stopped is not None:
            return "cancelled", self._stopped
        if not self.answer.finished_by_model:
            return "incomplete", "max_output_tokens"
        return "completed", None

    @property
    def times(self) -> StageTimes:
        return StageTimes(**self._times)

    def mark(self, stage: str, after_ms: float | None = None) -> None:
        """Note that ``stage`` has ended now, or ``after_ms``, unless it already had."""
        self._times.setdefault(f"{stage}_ms", round(self._watch.ms() if after_ms is None else after_ms, 1))

    def stop(self, reason: StatusReason) -> None:
        """Compute no further token and send no further sound."""
        if self._stopped is None:
            self._stopped, self._stopped_us = reason, self._clock.now_us()
            self._speaker.stop()

    def hold(self, why: Hold) -> None:
        """Send no sound until every hold is released; the answer is still written."""
        self._speaker.hold(why)

    def release(self, why: Hold) -> None:
        self._speaker.release(why)

    def replay(self, unheard_us: int) -> None:
        """The last ``unheard_us`` of the sound had not arrived, and are sent again now."""
        self._playback.replay(unheard_us)

    def truncate(self, heard_us: int) -> None:
        """The client tells how much of the sound was heard."""
        self._heard_us = heard_us

    @property
    def silent_from_us(self) -> int:
        """When all sound sent so far has been played."""
        return self._playback.ends_us

    @property
    def sent(self) -> Sent:
        return Sent(self._speaker.spoken, self._playback.sent_us)

    async def run(self, begin: Begin) -> None:
        """Recall, then write and speak; ``begin`` opens the reply's item once it is known what it will be."""
        # Also when it is stopped already: the question was asked, so it is read and remembered.
        moments = await self._engine.drive(self.answer.prepare(), URGENT)
        self.mark("recall")
        if self._stopped:
            return
        await self._load_pictures([moment.block_id for moment in moments])
        self._emit(MomentsRecalled(self.id, moments))
        self.item_id = begin(self.answer.call.name if self.answer.call else None).id
        speaking = asyncio.create_task(self._speaker.run())
        try:
            await self._write()
        finally:
            self._speaker.end()
            await speaking
        self.mark("total")

    @property
    def _aloud(self) -> bool:
        return self.options.modality == "audio" and self.answer.call is None

    async def _write(self) -> None:
        delta = TextDelta if self.answer.call is None else ArgumentsDelta
        while not self._stopped:
            token = await self._engine.run(lambda: self.answer.step(self._clock.now_us()), URGENT)
            if token is None or self._stopped:
                break
            self.mark("first_token")
            text = added_text(token, first=not self._text)
            if not text:
                continue
            self._text += text
            self._emit(delta(self.id, self.item_id, text))
            if self._aloud:
                for clause in self._clauses.push(text):
                    self._speaker.say(clause)
        if self._aloud:
            for clause in self._clauses.flush():
                self._speaker.say(clause)

    def _send(self, chunk: AudioChunk, plays_us: int) -> None:
        self.mark("first_audio")
        if self._plays is not None:
            self._plays(replace(chunk, pts_us=plays_us))
        self._emit(AudioDelta(self.id, self.item_id, chunk))

    @property
    def kept_text(self) -> str:
        """What the conversation remembers of the answer: all of it, or what was heard before the stop."""
        return self._text[: self._kept_chars].rstrip()

    @property
    def kept_tokens(self) -> int | None:
        """How many tokens that is; None for all."""
        kept_chars = self._kept_chars
        if kept_chars == len(self._text) and not self._stopped:
            return None
        chars = kept = 0
        for count, token in enumerate(self.answer.written, 1):
            chars += len(added_text(token, first=not chars))
            if chars > kept_chars:
                break
            kept = count
        return kept

    @property
    def _kept_chars(self) -> int:
        heard_us = self._heard_us
        if heard_us is None and self._stopped:
            heard_us = self._playback.heard_us(self._stopped_us)
        if heard_us is None or not self._aloud:
            return len(self._text)
        return self._speaker.spoken.chars(heard_us)
