import asyncio
import threading

import numpy as np
import pytest

from gateway.live.utterance import Utterance
from speech.audio import Rechunker, resample
from speech.streaming import StreamingRecognizer
from speech.wer import word_errors
from streams.pipeline import Worker
from streams.types import Transcript, Word

TIMEOUT_S = 60
SENTENCE = "The meeting with Anna is on Friday at noon."


class Counting:
    """A recogniser that waits to be let through and says how many times it was asked."""

    def __init__(self):
        self.through = threading.Event()
        self.lengths = []

    def transcribe(self, samples, *, start_us=0, prompt=""):
        self.lengths.append(len(samples))
        assert self.through.wait(TIMEOUT_S)
        return Transcript((Word(f"word{len(self.lengths)}", start_us, start_us + 1),))


@pytest.fixture
def worker():
    worker = Worker("asr")
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def sound(streams):
    samples = streams.backend.synthesizer.synthesize(SENTENCE)
    padded = np.pad(resample(samples, 24_000, 16_000), (3_200, 8_000))
    return Rechunker(512, 16_000, start_us=2_000_000).push(padded)


@pytest.fixture
def utter(worker):
    """An utterance on the given recogniser, and the list of partials it tells of."""

    def make(recognizer, *, in_order, interval_ms=600):
        partials = []
        utterance = Utterance(
            StreamingRecognizer(recognizer),
            worker,
            interval_ms=interval_ms,
            in_order=in_order,
            on_partial=lambda _, partial: partials.append(partial),
        )
        return utterance, partials

    return make


def within(coroutine):
    async def limited():
        async with asyncio.timeout(TIMEOUT_S):
            return await coroutine

    return asyncio.run(limited())


def test_in_order_it_hears_the_same_every_time_and_takes_no_word_back(streams, sound, utter):
    async def hear():
        utterance, partials = utter(streams.backend.recognizer, in_order=True, interval_ms=1_000)
        for chunk in sound:
            await utterance.append(chunk)
        return utterance, partials, await utterance.finish(sound[-1].end_us)

    utterance, partials, transcript = within(hear())
    assert word_errors([SENTENCE], [transcript.text]).errors == 0
    assert utterance.audio_us == sound[-1].end_us - sound[0].pts_us
    length_us = utterance.audio_us
    assert len(partials) == length_us // 1_000_000
    confirmed = [word for partial in partials for word in partial.confirmed]
    assert confirmed
    assert list(transcript.words[: len(confirmed)]) == confirmed
    times = [time for word in transcript.words for time in (word.start_us, word.end_us)]
    assert times == sorted(times)
    assert sound[0].pts_us <= times[0] < times[-1] <= sound[-1].end_us

    _, again, same = within(hear())
    assert (again, same) == (partials, transcript)


def test_live_a_hypothesis_that_is_due_while_another_runs_is_skipped(sound, utter):
    recognizer = Counting()

    async def hear():
        utterance, partials = utter(recognizer, in_order=False, interval_ms=100)
        for chunk in sound[:40]:
            await utterance.append(chunk)
            await asyncio.sleep(0)
        recognizer.through.set()
        await utterance.finish(sound[39].end_us)
        return partials

    partials = within(hear())
    # The first was due after four windows; the end of the utterance heard the rest.
    assert recognizer.lengths == [4 * 512, 40 * 512]
    assert len(partials) == 1


def test_the_end_of_speech_that_was_heard_already_is_not_recognised_again(sound, utter):
    recognizer = Counting()
    recognizer.through.set()

    async def hear():
        utterance, _ = utter(recognizer, in_order=True, interval_ms=60_000)
        for chunk in sound[:20]:
            await utterance.append(chunk)
        await utterance.hypothesize()
        for chunk in sound[20:30]:
            await utterance.append(chunk)
        return await utterance.finish(sound[19].end_us)

    assert within(hear()).text == "word1"
    assert recognizer.lengths == [20 * 512]


def test_an_utterance_without_sound_has_no_words(utter):
    async def hear():
        utterance, _ = utter(Counting(), in_order=False)
        assert utterance.audio_us == 0
        return await utterance.finish(0)

    assert within(hear()) == Transcript(())


def test_cancelled_it_tells_nothing_more_and_leaves_nothing_running(sound, utter, worker):
    recognizer = Counting()

    async def hear():
        utterance, partials = utter(recognizer, in_order=False)
        utterance.cancel()
        await utterance.append(sound[0])
        await utterance.hypothesize()
        await asyncio.sleep(0)
        utterance.cancel()
        recognizer.through.set()
        await worker.run(lambda: None)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return partials

    assert within(hear()) == []
