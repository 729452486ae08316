import asyncio
import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gateway.live.hearing import Ears, Hearing
from gateway.live.sound_clock import SoundClock
from gateway.live.tasks import Tasks
from speech.audio import resample
from streams.clock import ReplayClock, WallClock
from streams.conversation import ServerVad
from streams.types import Transcript, Word

RATE = 16_000
S = 1_000_000
WINDOW = 512
TIMEOUT_S = 60


class Deaf:
    """Records what it is given; it hears one word in everything."""

    def __init__(self):
        self.heard = []
        self.through = threading.Event()
        self.through.set()

    def transcribe(self, samples, *, start_us=0, prompt=""):
        assert self.through.wait(TIMEOUT_S)
        self.heard.append((start_us, samples.copy()))
        return Transcript((Word("what", start_us, start_us + 1),))


class Handler:
    def __init__(self):
        self.started, self.stopped, self.partials, self.resumed = [], [], [], 0
        self.failed, self.paused = [], []

    def speech_paused(self, utterance):
        self.paused.append(utterance.pause_us)

    def speech_resumed(self):
        self.resumed += 1

    def speech_started(self, at_us, utterance):
        self.started.append(at_us)

    def speech_stopped(self, at_us, voice_end_us, utterance):
        self.stopped.append((at_us, voice_end_us, utterance))

    def partial(self, utterance, partial):
        self.partials.append(partial)


@pytest.fixture(scope="module")
def talk(streams):
    """A sentence between two pieces of silence of a second."""
    voice = streams.backend.synthesizer.synthesize("What did you see in the morning?")
    return np.pad(resample(voice, 24_000, RATE), RATE)


@pytest.fixture
def deaf():
    return Deaf()


@pytest.fixture
def hear(streams, config, deaf):
    """A hearing whose recogniser is ``deaf``, and what it tells."""

    def make(clock, turns=ServerVad(), **speech):  # noqa: B008 - frozen
        handler = Handler()
        backend = replace(streams.backend, recognizer=deaf)
        settings, tasks = config.speech.model_copy(update=speech), Tasks("sess", handler.failed.append)
        sound_clock = SoundClock(clock)
        handler.to_clock = sound_clock.to_clock
        ears = Ears(backend, settings, backend.new_detector(), sound_clock)
        return Hearing(ears, turns, tasks, handler), handler

    return make


async def settled(worker):
    """Until what the recogniser had to do is done and told."""
    for _ in range(3):
        await asyncio.sleep(0)
        await worker.run(lambda: None)


def within(coroutine):
    async def limited():
        async with asyncio.timeout(TIMEOUT_S):
            return await coroutine

    return asyncio.run(limited())


async def push(hearing, samples, piece=RATE // 10):
    for at in range(0, len(samples), piece):
        await hearing.push(samples[at : at + piece], RATE)


def test_sound_moves_the_virtual_clock(hear, talk):
    async def scenario():
        clock = ReplayClock()
        hearing, handler = hear(clock)
        await push(hearing, talk)
        assert clock.now_us() == pytest.approx(len(talk) * S // RATE, abs=1_000)
        assert handler.to_clock(5) == 5
        ((at_us, voice_end_us, utterance),) = handler.stopped
        assert handler.started[0] < 1.1 * S < voice_end_us < at_us
        assert utterance.audio_us == pytest.approx(at_us - handler.started[0], abs=32_000)

    within(scenario())


def test_after_a_pause_in_the_sound_times_go_on_where_the_clock_is(hear, talk):
    async def scenario():
        clock = ReplayClock()
        hearing, handler = hear(clock)
        length_us = len(talk) * S // RATE
        clock.advance_to(3 * S)
        await push(hearing, talk)
        first = handler.to_clock(handler.started[0])
        clock.advance_to(60 * S)
        await push(hearing, talk)
        second = handler.to_clock(handler.started[1])
        # Of the sound that was sent the second follows at once, on the clock 60 s after the start.
        assert handler.started[1] - handler.started[0] == pytest.approx(length_us, abs=64_000)
        assert first == pytest.approx(3 * S - S // 10 + handler.started[0], abs=S // 10)
        assert second - (60 * S - S // 10) == pytest.approx(handler.started[0], abs=S // 10)

    within(scenario())


def test_a_pause_inside_an_utterance_moves_nothing(hear, talk):
    async def scenario():
        clock = ReplayClock()
        hearing, handler = hear(clock)
        middle = len(talk) // 2
        await push(hearing, talk[:middle])
        assert handler.started
        clock.advance_to(60 * S)
        await push(hearing, talk[middle : middle + RATE // 5])
        assert handler.stopped == []
        assert handler.to_clock(0) == 0
        await push(hearing, talk[middle + RATE // 5 :])
        assert len(handler.stopped) == 1
        assert handler.to_clock(0) > 50 * S

    within(scenario())


def test_live_sound_that_comes_faster_than_time_is_not_in_the_past(hear, talk):
    async def scenario():
        clock = WallClock()
        hearing, handler = hear(clock)
        await push(hearing, talk)
        assert len(handler.stopped) == 1
        at_us, voice_end_us, _ = handler.stopped[0]
        times = [handler.to_clock(time) for time in (0, handler.started[0], voice_end_us, at_us)]
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= clock.now_us()
        handler.stopped[0][2].cancel()

    within(scenario())


@pytest.mark.parametrize("turns", [ServerVad(), None], ids=["server_vad", "push to talk"])
def test_a_turn_whose_sound_stops_coming_in_mid_speech_ends(hear, talk, turns, hand_clock):
    async def scenario():
        clock = hand_clock
        clock.advance_to(10 * S)
        hearing, handler = hear(clock, turns, stall_ms=2_000)
        await push(hearing, talk[: len(talk) // 2])
        assert len(handler.started) == 1
        clock.advance_to(12 * S - 1)
        await settled(hearing._backend.detector_worker)
        assert handler.stopped == []
        clock.advance_to(12 * S)
        await settled(hearing._backend.detector_worker)
        assert len(handler.stopped) == (turns is not None)
        await push(hearing, talk)
        assert len(handler.stopped) == 2 * (turns is not None), "the next turn is heard as ever"
        for _, _, utterance in handler.stopped:
            utterance.cancel()
        hearing.close()

    within(scenario())


@pytest.mark.parametrize("piece", [WINDOW, RATE, 12 * RATE], ids=["windows", "seconds", "at once"])
def test_speech_that_grows_too_long_is_ended_and_nothing_of_it_is_lost(hear, deaf, piece):
    async def scenario():
        hearing, handler = hear(ReplayClock(), None, max_utterance_s=5.1, partial_interval_ms=60_000)
        sound = np.repeat(np.arange(12 * RATE // WINDOW, dtype=np.float32), WINDOW)
        await push(hearing, sound, piece)
        await hearing.end()
        utterances = [utterance for _, _, utterance in handler.stopped]
        assert [each.audio_us > 5.1 * S for each in utterances] == [True, True, False]
        ends = [(at_us - each.audio_us, at_us) for at_us, _, each in handler.stopped]
        assert [start for start, _ in ends] == handler.started
        assert all(a[1] == b[0] for a, b in pairwise(ends))
        for at_us, voice_end_us, utterance in handler.stopped:
            assert at_us == voice_end_us
            await utterance.finish(voice_end_us)
        np.testing.assert_array_equal(np.concatenate([samples for _, samples in deaf.heard]), sound)

    within(scenario())


def test_speech_may_end_exactly_where_it_grew_too_long(hear):
    async def scenario():
        hearing, handler = hear(ReplayClock(), None, max_utterance_s=5.1, partial_interval_ms=60_000)
        await push(hearing, np.zeros(160 * WINDOW, np.float32), WINDOW)
        assert len(handler.stopped) == 1
        await hearing.end()
        await hearing.end()
        assert len(handler.started) == len(handler.stopped) == 1
        await push(hearing, np.zeros(WINDOW, np.float32))
        assert len(handler.started) == 2

    within(scenario())


def test_what_is_cleared_is_not_told(hear, talk):
    async def scenario():
        hearing, handler = hear(ReplayClock())
        await push(hearing, talk[: len(talk) // 2])
        assert len(handler.started) == 1
        hearing.clear()
        await push(hearing, np.zeros(2 * RATE, np.float32))
        await hearing.end()
        assert handler.stopped == []
        await push(hearing, talk)
        assert len(handler.started) == 2
        assert len(handler.stopped) == 1

    within(scenario())


@pytest.mark.parametrize("end", ["end", "clear"])
def test_a_hypothesis_of_speech_that_ended_is_not_told_as_one_of_the_next(hear, deaf, streams, end):
    async def scenario():
        hearing, handler = hear(WallClock(), None, partial_interval_ms=100)
        deaf.through.clear()
        await push(hearing, np.zeros(32 * WINDOW, np.float32), WINDOW)
        await asyncio.sleep(0)  # the hypothesis is under way
        if end == "end":
            await hearing.end()
        else:
            hearing.clear()
        await push(hearing, np.ones(WINDOW, np.float32))
        assert len(handler.started) == 2
        deaf.through.set()
        for _, _, utterance in handler.stopped:
            await utterance.finish(S)
        await settled(streams.backend.recognizer_worker)
        assert handler.partials == []
        await push(hearing, np.ones(6 * WINDOW, np.float32), WINDOW)
        await settled(streams.backend.recognizer_worker)
        assert len(handler.partials) == 1
        assert deaf.heard[-1][1].min() == 1  # of the next there is one, of its own sound
        hearing.close()

    within(scenario())


def test_closing_leaves_nothing_running(hear, deaf, streams):
    async def scenario():
        hearing, _ = hear(WallClock(), None, partial_interval_ms=100)
        deaf.through.clear()
        await push(hearing, np.zeros(RATE, np.float32))
        hearing.close()
        deaf.through.set()
        await settled(streams.backend.recognizer_worker)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    within(scenario())
