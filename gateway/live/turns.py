"""Takes a session's turns by voice: from sound that is heard to words that are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.live.false_alarm import false_alarm
from gateway.live.hearing import Ears, Hearing
from gateway.live.reading import Reading, Said
from gateway.live.responder import Responder
from gateway.live.response import Stopwatch
from gateway.live.scope import SessionScope
from gateway.live.utterance import Utterance
from speech.echo import repeats
from speech.streaming import Partial
from streams.conversation import ServerVad, TurnDetection
from streams.errors import StreamsError
from streams.events import FalseAlarm, SessionFailed, TranscriptFailed, TranscriptPartial
from streams.session import Session
from streams.types import US_PER_MS, US_PER_S, Samples, Transcript

INTERRUPTION_MS = 400
"""Voice as long as this has words, or it will have none."""

LONG_NOISE_US = 1_300 * US_PER_MS
"""Sound this long, padding included, in which no word was found yet is a noise, whatever comes."""

SURE_WORDS = 2
"""One word of somebody who speaks on may be half of another one, or of an echo."""

ECHO_LASTS_US = 30 * US_PER_S
"""Whose loudspeaker was heard once is taken to hear it for so long."""

ECHO_DELAY_US = US_PER_S
"""An echo begins no later after the sound of which it is one."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An utterance that ended and waits for its final transcript.

    Its sound's times plus ``offset_us`` are on the session's clock.
    """

    utterance: Utterance
    voice_end_us: int
    offset_us: int
    watch: Stopwatch
    ended_ms: float


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """Voice that ended at ``at_us`` of the sound before it was known whether it interrupts."""

    at_us: int
    turn: Turn


class Turns:
    """Between hearing (whose handler this is) and the rules of ``streams.session``.

    What sounds like an interruption is judged by its words, as soon as there are any.
    """

    def __init__(
        self,
        ears: Ears,
        session: Session,
        reading: Reading,
        responder: Responder,
        scope: SessionScope,
    ) -> None:
        self._sound_clock = ears.sound_clock
        self._session = session
        self._reading = reading
        self._responder = responder
        self._clock = scope.clock
        self._in_order = scope.in_order
        self._tasks = scope.tasks
        self._emit = scope.emit
        self._follow = scope.follow
        self._hearing = Hearing(ears, session.options.turn_detection, scope.tasks, self)
        self._turn: Turn | None = None
        self._ending: EarlyEnd | None = None
        self._echo_until_us = 0
        self._idle: asyncio.Task[None] | None = None
        self._recognising: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()

    # What a client asks for.

    def configure(self, turns: TurnDetection | None) -> None:
        self.speak_up_never()
        self._hearing.configure(turns)

    async def append(self, samples: Samples, rate: int) -> None:
        await self._hearing.push(samples, rate)

    async def commit(self) -> None:
        """Raises InvalidRequestError when nothing was heard since the last turn."""
        if self._session.utterance is None:
            self._follow(self._session.committed())
        if self._ending is not None:
            self._end_as_turn()
            return
        await self._hearing.commit()

    def clear(self) -> None:
        self._ending = None
        self._responder.abandon()
        self._hearing.clear()
        self._follow(self._session.cleared())

    def wait_for_voice(self, from_us: int) -> None:
        """The last reply is heard by ``from_us``: when nobody speaks for long after, the model does."""
        self.speak_up_never()
        turns = self._session.options.turn_detection
        if isinstance(turns, ServerVad) and turns.idle_timeout_ms is not None:
            from_us = max(from_us, self._clock.now_us())
            self._idle = asyncio.create_task(self._speak_up(from_us, turns.idle_timeout_ms * US_PER_MS))

    async def _speak_up(self, from_us: int, after_us: int) -> None:
        await self._clock.sleep_until(from_us + after_us)
        to_audio = self._sound_clock.to_audio
        self._follow(self._session.idle_timed_out(to_audio(from_us), to_audio(self._clock.now_us())))

    def speak_up_never(self) -> None:
        """Nobody is waited for."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def close(self) -> None:
        self.speak_up_never()
        self._hearing.close()

    # What hearing reports (HearingHandler).

    def speech_started(self, at_us: int, utterance: Utterance) -> None:
        self.speak_up_never()
        if self._ending is not None:
            self._settle(self._ending, self._ending.turn.utterance.text)
        # Where the loudspeaker is heard, each hold would be one for the voice that it silences.
        hold = self._clock.now_us() >= self._echo_until_us
        self._follow(self._session.speech_started(at_us, hold=hold))
        if self._session.undecided:
            utterance.first_hypothesis_after(self._hearing.prefix_padding_ms + INTERRUPTION_MS)

    def speech_paused(self, utterance: Utterance) -> None:
        turns, session = self._session.options.turn_detection, self._session
        answered = turns is not None and turns.create_response
        # Offline nobody waits, and what a machine manages to begin must not matter.
        free = session.active_response is None and self._reading.pending is None and not self._in_order
        if answered and free and utterance.words:
            first, last, to_clock = utterance.words[0], utterance.words[-1], self._sound_clock.to_clock
            text = Transcript(utterance.words).text
            self._responder.prepare(text, to_clock(first.start_us), to_clock(last.end_us))

    def speech_resumed(self) -> None:
        self._responder.abandon()
        if self._clock.now_us() >= self._echo_until_us:
            self._follow(self._session.held())

    def speech_stopped(self, at_us: int, voice_end_us: int, utterance: Utterance) -> None:
        ended_us = self._sound_clock.to_clock(voice_end_us)
        waited_us = 0 if self._in_order else self._clock.now_us() - ended_us
        watch = Stopwatch(max(waited_us, 0) / US_PER_MS)
        turn = Turn(utterance, voice_end_us, ended_us - voice_end_us, watch, watch.ms())
        if utterance.committed:
            self._turn = turn
            self._follow(self._session.committed())
            return
        self._ending = EarlyEnd(at_us, turn)
        if self._session.undecided:
            self._start(self._decide(self._ending))
        else:
            self._end_as_turn()

    def partial(self, utterance: Utterance, partial: Partial) -> None:
        if self._session.undecided:
            self._judge(utterance)
        item_id = self._session.utterance
        if item_id is not None and not self._session.undecided:
            self._emit(TranscriptPartial(item_id, utterance.take_confirmed(), partial.tentative))

    # Interruptions, true and false.

    def _judge(self, utterance: Utterance) -> None:
        """Whether the words so far interrupt the response. Until that is known it is held."""
        reason = self._false_alarm(utterance.text or "")
        paused = utterance.pause_us is not None
        if reason is None:
            if paused or len(utterance.words or ()) >= SURE_WORDS:
                self._follow(self._session.interrupted())
        elif reason == "echo" or paused or (reason == "noise" and utterance.audio_us >= LONG_NOISE_US):
            self._follow(self._session.resumed(reason))

    def _false_alarm(self, words: str) -> FalseAlarm | None:
        reason = false_alarm(words, self._responder.spoken_lately)
        if reason == "echo":
            self._echo_until_us = self._clock.now_us() + ECHO_LASTS_US
        return reason

    async def _decide(self, ending: EarlyEnd) -> None:
        """The voice ended undecided: its last words decide."""
        words: str | None = None
        with suppress(StreamsError):  # of what could not be recognised the client is to be told: it is a turn
            words = (await ending.turn.utterance.finish(ending.turn.voice_end_us)).text
        if self._ending is ending:  # not thrown away by the client, nor settled since more was said
            self._settle(ending, words)

    def _settle(self, ending: EarlyEnd, words: str | None) -> None:
        """Voice that ended was a turn or none, by its ``words``; None where they could not be had."""
        reason = None if words is None else self._false_alarm(words)
        if reason is None or not self._session.undecided:
            self._end_as_turn()
            return
        self._ending = None
        self._follow(self._session.false_alarm(reason))

    def _end_as_turn(self) -> None:
        """The voice that ended, if there is one that waits, was somebody's turn."""
        ending, self._ending = self._ending, None
        if ending is None:
            return
        if self._session.undecided:
            self._follow(self._session.interrupted())
        self._turn = ending.turn
        self._follow(self._session.speech_stopped(ending.at_us))

    # Words.

    def recognise(self, item_id: str) -> None:
        """Make the final transcript of the turn that just ended, which became ``item_id``."""
        assert self._turn is not None, "no turn has ended"
        self._start(self._recognise(item_id, self._turn))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.start(work)
        self._recognising.add(task)
        task.add_done_callback(self._recognising.discard)

    async def recognised(self) -> None:
        """Return once the words of every turn that has ended are known."""
        if self._recognising:
            await asyncio.wait([*self._recognising])

    async def _recognise(self, item_id: str, turn: Turn) -> None:
        async with self._in_turn:  # so that words are taken in in the order they were said
            try:
                await self._take_in(item_id, turn)
            finally:  # whatever went wrong, nobody waits for this turn any more
                self._follow(self._session.not_recognised(item_id))

    async def _take_in(self, item_id: str, turn: Turn) -> None:
        try:
            transcript = await turn.utterance.finish(turn.voice_end_us)
        except StreamsError as error:
            self._emit(TranscriptFailed(item_id, error))
            return
        if self._is_echo(turn, transcript):
            transcript = Transcript(())
        if words := transcript.words:
            start_us = max(words[0].start_us + turn.offset_us, 0)
            end_us = max(words[-1].end_us + turn.offset_us, start_us)
            heard = Said(transcript.text, start_us, end_us, item_id, turn.watch, turn.ended_ms)
            try:
                await self._reading.hear(heard)
            except StreamsError as error:  # what could not be read was said before; this is answered
                self._emit(SessionFailed(error))
        await self._responder.stopped()
        self._follow(self._session.recognised(item_id, transcript, turn.utterance.audio_us))

    def _is_echo(self, turn: Turn, transcript: Transcript) -> bool:
        """Whether a turn is the end of a reply that came back, and was never said by anybody."""
        started_us = turn.utterance.start_us + turn.offset_us
        may_be = started_us <= self._responder.silent_from_us + ECHO_DELAY_US
        return may_be and repeats(transcript.text, self._responder.spoken_lately)
