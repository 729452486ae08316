"""One response, with an answer that is written as the test says and a voice of a second a clause."""

import asyncio

import numpy as np
import pytest

from gateway.live.response import Delivery, Response, Stopwatch
from streams.clock import ReplayClock
from streams.conversation import FunctionCall, Message, SessionOptions, Tool
from streams.errors import InvalidRequestError
from streams.events import ArgumentsDelta, AudioDelta, MomentsRecalled, TextDelta
from streams.pipeline import Worker
from streams.types import Token

S = 1_000_000
RATE = 24_000
LEAD_US = 1_000_000
PIECE_US = 100_000
TIMEOUT_S = 30
CLAUSES = (" Once upon a time there was a cat.", " It lived in a palace.", " There it slept.")


class Written:
    """An answer whose tokens are known beforehand; ``call`` is the tool that it calls."""

    def __init__(self, *texts, call=None):
        self._texts = list(texts)
        self.call = call
        self.written = []
        self.prepared = False

    def prepare(self):
        yield
        self.prepared = True
        return ()

    def step(self, now_us):
        if len(self.written) == len(self._texts):
            return None
        token = Token(len(self.written), self._texts[len(self.written)], now_us)
        self.written.append(token)
        return token


class Second:
    """Speaks every clause in exactly a second, from its first sample on."""

    rate = RATE
    voices = ("heart",)
    speeds = (0.5, 2.0)

    def __init__(self):
        self.said = []

    def synthesize(self, text, *, voice=None, speed=1.0):
        if "unspeakable" in text:
            raise InvalidRequestError("cannot be said", param="text")
        self.said.append((text, voice, speed))
        return np.full(RATE, 0.5, np.float32)


class Stage:
    """A response and all around it."""

    def __init__(self, workers, answer, *, modality="audio", paced=True, **options):
        self.clock = ReplayClock(10 * S)
        self.events = []
        self.played = []
        self.voice = Second()
        self.answer = answer
        self.on_event = lambda event: None
        self.workers = engine, voice_worker = workers
        self.response = Response(
            "resp_1",
            answer,
            SessionOptions(modality=modality, **options),
            self.voice,
            Delivery(
                engine,
                voice_worker,
                self.clock,
                self.emit,
                self.load_pictures,
                self.played.append,
                min_clause_chars=10,
                lead_ms=LEAD_US // 1_000,
                paced=paced,
            ),
            Stopwatch(already_ms=500),
        )

    async def load_pictures(self, block_ids):
        assert not self.events, "pictures are there before moments are told"

    def emit(self, event):
        self.events.append(event)
        self.on_event(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def heard_us(self):
        chunks = self.of(AudioDelta)
        return chunks[-1].chunk.end_us if chunks else 0

    def begin(self, call):
        if call is not None:
            return FunctionCall("item_1", "call_1", call, "", "in_progress")
        return Message("item_1", "assistant", (), "in_progress")

    async def run(self):
        async with asyncio.timeout(TIMEOUT_S):
            await self.response.run(self.begin)

    async def settled(self):
        """Until nothing more is sent while the clock stands still."""
        quiet = 0
        while quiet < 5:
            before = len(self.events)
            for worker in self.workers:
                await worker.run(lambda: None)
            quiet = quiet + 1 if before == len(self.events) else 0


@pytest.fixture
def workers():
    pair = Worker("llm"), Worker("tts")
    yield pair
    for worker in pair:
        worker.close()


def test_text_is_told_token_by_token_without_the_space_before_it(workers):
    stage = Stage(workers, Written(" ", " Yes", ",", "", " it", " is."), modality="text")
    asyncio.run(stage.run())
    assert isinstance(stage.events[0], MomentsRecalled)
    assert [event.text for event in stage.of(TextDelta)] == ["Yes", ",", " it", " is."]
    assert {(event.response_id, event.item_id) for event in stage.of(TextDelta)} == {("resp_1", "item_1")}
    assert stage.response.kept_text == "Yes, it is."
    assert stage.response.kept_tokens is None
    assert stage.voice.said == []


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_arguments_are_told_as_they_are_written_and_not_spoken(workers, modality):
    answer = Written(" {", '"say": "All of this. And that."', "}", call=Tool("say", "", "{}"))
    stage = Stage(workers, answer, modality=modality)
    asyncio.run(stage.run())
    assert [event.text for event in stage.of(ArgumentsDelta)] == ["{", '"say": "All of this. And that."', "}"]
    assert stage.of(TextDelta) == []
    assert stage.of(AudioDelta) == []
    assert stage.voice.said == []
    assert stage.response.kept_text == '{"say": "All of this. And that."}'
    assert stage.response.kept_tokens is None


def test_every_clause_is_spoken_in_the_voice_that_was_asked_for(workers):
    stage = Stage(workers, Written(*CLAUSES), paced=False, voice="heart", speed=1.2)
    asyncio.run(stage.run())
    said = "".join(text for text, _, _ in stage.voice.said)
    assert said == "".join(CLAUSES).strip()
    assert {each[1:] for each in stage.voice.said} == {("heart", 1.2)}
    alias = Stage(workers, Written(*CLAUSES), paced=False, voice="ash")
    asyncio.run(alias.run())
    assert {each[1:] for each in alias.voice.said} == {(None, 1.0)}
    chunks = [event.chunk for event in stage.of(AudioDelta)]
    assert [chunk.pts_us for chunk in chunks] == [0, *(chunk.end_us for chunk in chunks[:-1])]
    assert stage.heard_us == 3 * S
    assert {event.item_id for event in stage.of(AudioDelta)} == {"item_1"}


def test_stages_end_in_their_order_and_count_from_the_end_of_the_question(workers):
    stage = Stage(workers, Written(*CLAUSES), paced=False)
    asyncio.run(stage.run())
    times = stage.response.times
    stages = [times.recall_ms, times.first_token_ms, times.first_audio_ms, times.total_ms]
    assert stages == sorted(stages)
    assert stages[0] >= 500


def test_sound_is_sent_no_further_ahead_of_being_heard_than_the_lead(workers):
    async def scenario():
        stage = Stage(workers, Written(*CLAUSES))
        running = asyncio.create_task(stage.run())
        start_us = stage.clock.now_us()
        for heard_us in (0, S // 2, S, 3 * S // 2):
            stage.clock.advance_to(start_us + heard_us)
            await stage.settled()
            assert LEAD_US <= stage.heard_us - heard_us <= LEAD_US + PIECE_US
            assert not running.done()
        stage.clock.advance_to(start_us + 2 * S)
        await running
        assert stage.heard_us == 3 * S

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("heard_us", "text", "tokens"),
    [
        (0, "", 0),
        (1, "", 0),
        (S // 2, "Once upon a time", 0),
        (S, CLAUSES[0].strip(), 1),
        (3 * S // 2, CLAUSES[0].strip() + " It lived", 1),
        (2 * S, (CLAUSES[0] + CLAUSES[1]).strip(), 2),
    ],
    ids=["nothing heard", "no word yet", "half of the first", "the first", "half of the second", "both"],
)
def test_of_an_interrupted_answer_the_words_that_were_heard_are_kept(workers, heard_us, text, tokens):
    async def scenario():
        stage = Stage(workers, Written(*CLAUSES))
        running = asyncio.create_task(stage.run())
        start_us = stage.clock.now_us()
        await stage.settled()
        for passed_us in (*range(0, heard_us, S // 4), heard_us):  # in steps, so that sound never runs out
            stage.clock.advance_to(start_us + passed_us)
            await stage.settled()
        stage.response.stop("turn_detected")
        stopped = list(stage.events)
        stage.clock.advance_to(start_us + 60 * S)
        await running
        assert stage.events == stopped
        assert stage.response.stopped == "turn_detected"
        assert stage.response.kept_text == text, "time changes nothing of it"
        assert stage.response.kept_tokens == tokens

    asyncio.run(scenario())


def test_sound_is_played_one_piece_after_the_other_from_when_the_first_is_sent(workers):
    async def scenario():
        stage = Stage(workers, Written(*CLAUSES))
        running = asyncio.create_task(stage.run())
        start_us = stage.clock.now_us()
        for passed_us in range(0, 3 * S, S // 4):  # in steps, so that sound never runs out
            stage.clock.advance_to(start_us + passed_us)
            await stage.settled()
        await running
        played, sent = stage.played, [event.chunk for event in stage.of(AudioDelta)]
        assert [chunk.pts_us for chunk in played] == [start_us + chunk.pts_us for chunk in sent]
        assert [chunk.duration_us for chunk in played] == [chunk.duration_us for chunk in sent]

    asyncio.run(scenario())


def test_held_no_sound_is_sent_and_released_it_goes_on_where_it_stopped(workers):
    async def scenario():
        stage = Stage(workers, Written(*CLAUSES))
        running = asyncio.create_task(stage.run())
        await stage.settled()
        stage.response.hold("voice")
        sent = len(stage.of(AudioDelta))
        stage.clock.advance_to(stage.clock.now_us() + 60 * S)
        await stage.settled()
        assert len(stage.of(AudioDelta)) == sent
        assert "".join(event.text for event in stage.of(TextDelta)).strip() == "".join(CLAUSES).strip()
        stage.response.release("voice")
        await stage.settled()
        stage.clock.advance_to(stage.clock.now_us() + 60 * S)
        await running
        chunks = [event.chunk for event in stage.of(AudioDelta)]
        assert [chunk.pts_us for chunk in chunks] == [0, *(chunk.end_us for chunk in chunks[:-1])]
        assert stage.heard_us == 3 * S

    asyncio.run(scenario())


def test_it_goes_on_when_every_hold_is_released(workers):
    async def scenario():
        stage = Stage(workers, Written(*CLAUSES), paced=False)
        stage.response.hold("voice")
        stage.response.hold("away")
        running = asyncio.create_task(stage.run())
        stage.response.release("voice")
        await stage.settled()
        assert not stage.of(AudioDelta)
        stage.response.release("away")
        await running
        assert stage.heard_us == 3 * S

    asyncio.run(scenario())


def test_a_response_that_is_held_can_be_stopped(workers):
    async def scenario():
        stage = Stage(workers, Written(*CLAUSES))
        running = asyncio.create_task(stage.run())
        stage.response.hold("voice")
        await stage.settled()
        stage.response.stop("turn_detected")
        await running
        assert not stage.of(AudioDelta)
        assert stage.response.kept_text == ""

    asyncio.run(scenario())


def test_on_media_time_what_was_sent_counts_as_heard(workers):
    stage = Stage(workers, Written(*CLAUSES), paced=False)
    stage.on_event = lambda event: (
        stage.response.stop("turn_detected") if stage.heard_us == PIECE_US + S else None
    )
    asyncio.run(stage.run())
    assert stage.heard_us == PIECE_US + S
    assert stage.response.kept_text == CLAUSES[0].strip()


def test_what_the_client_says_it_heard_counts_more_than_the_clock(workers):
    stage = Stage(workers, Written(*CLAUSES), paced=False)
    stage.on_event = lambda event: stage.response.stop("turn_detected") if stage.heard_us == 2 * S else None
    asyncio.run(stage.run())
    stage.response.truncate(S // 2)
    assert (stage.response.kept_text, stage.response.kept_tokens) == ("Once upon a time", 0)


def test_a_stop_while_text_is_written_computes_no_further_token(workers):
    stage = Stage(workers, Written(*"abcdefgh"), modality="text")
    stage.on_event = lambda event: (
        stage.response.stop("client_cancelled")
        if isinstance(event, TextDelta) and event.text == "c"
        else None
    )
    asyncio.run(stage.run())
    assert [event.text for event in stage.of(TextDelta)] == ["a", "b", "c"]
    assert len(stage.answer.written) == 3
    assert (stage.response.kept_text, stage.response.kept_tokens) == ("abc", 3)


def test_the_first_reason_to_stop_counts(workers):
    stage = Stage(workers, Written("a"), modality="text")
    stage.response.stop("client_cancelled")
    stage.response.stop("turn_detected")
    assert stage.response.stopped == "client_cancelled"


def test_stopped_before_it_began_the_question_is_read_but_nothing_is_told(workers):
    stage = Stage(workers, Written(*CLAUSES))
    stage.response.stop("turn_detected")
    asyncio.run(stage.run())
    assert stage.answer.prepared
    assert stage.events == []
    assert stage.answer.written == []
    assert (stage.response.kept_text, stage.response.kept_tokens) == ("", 0)


def test_a_clause_that_cannot_be_spoken_fails_the_response(workers):
    stage = Stage(workers, Written(" This is an unspeakable sentence.", " And more."), paced=False)
    with pytest.raises(InvalidRequestError, match="cannot be said"):
        asyncio.run(stage.run())


def test_an_answer_without_words_has_no_sound(workers):
    stage = Stage(workers, Written())
    asyncio.run(stage.run())
    assert [type(event) for event in stage.events] == [MomentsRecalled]
    assert stage.response.kept_text == ""
    assert stage.response.times.first_audio_ms is None
