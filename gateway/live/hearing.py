"""How a session hears: sound in, utterances that are recognised while they are spoken."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.backend import Backend
from gateway.live.sound_clock import SoundClock
from gateway.live.tasks import Tasks
from gateway.live.utterance import Utterance
from speech.finished import finished
from speech.listener import Heard, Listener, Sound
from speech.patience import Patience
from speech.segmenter import SegmenterConfig, SpeechPaused, SpeechResumed, SpeechStarted, SpeechStopped
from speech.streaming import Partial, StreamingRecognizer
from speech.vad import VoiceDetector
from streams.config import SpeechConfig
from streams.conversation import SemanticVad, ServerVad, TurnDetection
from streams.pipeline import URGENT
from streams.types import US_PER_MS, US_PER_S, Samples


class HearingHandler(Protocol):
    def speech_started(self, at_us: int, utterance: Utterance) -> None: ...

    def speech_paused(self, utterance: Utterance) -> None:
        """Perhaps for good; the words so far are known."""
        ...

    def speech_resumed(self) -> None: ...

    def speech_stopped(self, at_us: int, voice_end_us: int, utterance: Utterance) -> None: ...

    def partial(self, utterance: Utterance, partial: Partial) -> None: ...


@dataclass(frozen=True, slots=True)
class Ears:
    """What a session hears with: ``detector`` is its own, ``sound_clock`` places what is heard."""

    backend: Backend
    config: SpeechConfig
    detector: VoiceDetector
    sound_clock: SoundClock


class Hearing:
    """Times told to the handler count the sound that was sent (``Ears.sound_clock``)."""

    def __init__(
        self, ears: Ears, turns: TurnDetection | None, tasks: Tasks, handler: HearingHandler
    ) -> None:
        self._backend = ears.backend
        self._config = ears.config
        self._clock = ears.sound_clock
        self._live = self._clock.live
        self._tasks = tasks
        self._handler = handler
        self._listener = Listener(ears.detector, self._segmentation(turns))
        self._turns = turns
        self._utterance: Utterance | None = None
        self._arrived_us = 0
        self._taking_in = asyncio.Lock()
        self._stall: asyncio.Task[None] | None = None

    def _segmentation(self, turns: TurnDetection | None) -> SegmenterConfig | None:
        match turns:
            case None:
                return None
            case ServerVad():
                return SegmenterConfig(
                    turns.threshold,
                    turns.prefix_padding_ms,
                    turns.silence_duration_ms,
                    self._config.min_speech_ms,
                )
            case SemanticVad():
                config = SegmenterConfig.from_config(self._config)
                return replace(config, silence_duration_ms=Patience(turns.eagerness).longest_ms)

    def configure(self, turns: TurnDetection | None) -> None:
        self._turns = turns
        self._listener.configure(self._segmentation(turns))

    @property
    def prefix_padding_ms(self) -> int:
        """How much sound before the voice an utterance begins with."""
        segmentation = self._segmentation(self._turns)
        return segmentation.prefix_padding_ms if segmentation else 0

    async def push(self, samples: Samples, rate: int) -> None:
        """Hear ``samples``; returns when voice activity in them is known."""
        self._clock.sent(len(samples) * US_PER_S // rate, between_turns=self._utterance is None)
        self._arrived_us = self._clock.now_us()
        async with self._taking_in:
            heard = await self._backend.detector_worker.run(lambda: self._listener.push(samples, rate))
            for item in heard:
                await self._take(item)
        self._watch()

    def _watch(self) -> None:
        """Live, silence that is never sent cannot end a turn: see to it that the clock does."""
        watched = self._stall is not None and not self._stall.done()
        if self._live and self._may_stall and not watched:
            self._stall = asyncio.create_task(self._end_when_sound_stays_away())

    @property
    def _may_stall(self) -> bool:
        """In push to talk the client ends the turn, however long it is silent."""
        return self._utterance is not None and self._turns is not None

    @property
    def _stalls_us(self) -> int:
        """When the open turn ends, if no more sound comes."""
        return self._arrived_us + self._config.stall_ms * US_PER_MS

    async def _end_when_sound_stays_away(self) -> None:
        while self._may_stall:
            await self._clock.sleep_until(self._stalls_us)
            async with self._taking_in:
                if self._may_stall and self._clock.now_us() >= self._stalls_us:
                    await self.end()

    async def _take(self, item: Heard) -> None:
        match item:
            case SpeechStarted():
                self._begin(item.at_us)
            case Sound(chunk):
                # The listener's utterance goes on where one that became too long was ended.
                utterance = self._utterance or self._begin(chunk.pts_us)
                await utterance.append(chunk)
                if utterance.audio_us > self._config.max_utterance_s * US_PER_S:
                    self._stop(chunk.end_us, chunk.end_us)
            case SpeechResumed() if self._utterance is not None:
                self._utterance.pause_us = None
                self._handler.speech_resumed()
            case SpeechPaused() if self._utterance is not None:
                await self._pause(self._utterance, item.at_us)
            case SpeechStopped() if self._utterance is not None:
                self._stop(item.at_us, item.voice_end_us)

    async def _pause(self, utterance: Utterance, at_us: int) -> None:
        """Perhaps this is the end: find the words so far and, where it counts, whether it sounds so."""
        utterance.pause_us = at_us
        weighing = [utterance.hypothesize(again=True), self._find_words(utterance, at_us)]
        if isinstance(self._turns, SemanticVad):
            weighing.append(self._listen_for_the_end(utterance, at_us, Patience(self._turns.eagerness)))
        if self._live:
            for each in weighing:
                self._tasks.start(each)
        else:
            await asyncio.gather(*weighing)

    async def _find_words(self, utterance: Utterance, pause_us: int) -> None:
        known = await utterance.text_at(pause_us) is not None
        if known and utterance is self._utterance and utterance.pause_us == pause_us:
            self._handler.speech_paused(utterance)

    async def _listen_for_the_end(self, utterance: Utterance, pause_us: int, patience: Patience) -> None:
        """Wait as long as the speaker sounds as if there were more, and then as what was said reads."""
        sound, detector = utterance.last_sound(), self._backend.turn_detector
        heard = await self._backend.turn_worker.run(lambda: detector.complete(sound), URGENT)
        await self._wait(patience.wait_ms(heard, None), pause_us)
        text = await utterance.text_at(pause_us)
        if text is not None:
            await self._wait(patience.wait_ms(heard, finished(text)), pause_us)

    async def _wait(self, silence_ms: int, pause_us: int) -> None:
        await self._backend.detector_worker.run(lambda: self._listener.wait_for(silence_ms, pause_us), URGENT)

    def _begin(self, at_us: int) -> Utterance:
        utterance = self._utterance = Utterance(
            StreamingRecognizer(self._backend.recognizer, max_buffer_s=self._config.max_buffer_s),
            self._backend.recognizer_worker,
            interval_ms=self._config.partial_interval_ms,
            in_order=not self._live,
            on_partial=self._partial,
        )
        self._handler.speech_started(at_us, utterance)
        return utterance

    def _stop(self, at_us: int, voice_end_us: int) -> None:
        assert self._utterance is not None
        utterance, self._utterance = self._utterance, None
        self._handler.speech_stopped(at_us, voice_end_us, utterance)

    def _partial(self, utterance: Utterance, partial: Partial) -> None:
        if utterance is self._utterance:  # and not one that has ended meanwhile
            self._handler.partial(utterance, partial)

    async def commit(self) -> None:
        """The client ends the open utterance, if there is one."""
        if self._utterance is not None:
            self._utterance.committed = True
        await self.end()

    async def end(self) -> None:
        """End the open utterance, if there is one, as when the voice stopped."""
        for item in self._listener.flush():
            await self._take(item)

    def clear(self) -> None:
        """Forget the open utterance."""
        self.close()
        self._listener.reset()

    def close(self) -> None:
        """Stop recognising the open utterance, and watching over it."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._utterance is not None:
            self._utterance.cancel()
            self._utterance = None
