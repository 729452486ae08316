"""What is decided about voices, with words that are known when the test says so, on a clock that it moves."""

import asyncio

import pytest

from gateway.live.hearing import Ears
from gateway.live.reading import Said
from gateway.live.scope import SessionScope
from gateway.live.sound_clock import SoundClock
from gateway.live.tasks import Tasks
from gateway.live.turns import ECHO_LASTS_US, LONG_NOISE_US, Turns
from speech.silero import SileroDetector, load_silero
from speech.streaming import Partial
from streams.conversation import ServerVad, SessionOptions
from streams.errors import InvalidRequestError, MemoryStoreError
from streams.events import (
    InputCommitted,
    OutputHeld,
    OutputResumed,
    SessionFailed,
    SpeechStarted,
    SpeechStopped,
    TranscriptCompleted,
    TranscriptFailed,
    TranscriptPartial,
)
from streams.outcome import Recognise, Respond, StopResponse
from streams.session import Session
from streams.types import Transcript, Word

S = 1_000_000
REPLY = "The cat sat on the mat and looked at the moon."
NOTHING_MORE = Partial((), "")


class Spoken:
    """An utterance of which the words come one hypothesis after another; the last is final."""

    def __init__(self, *hypotheses, start_us=0):
        self._hypotheses = [tuple(text.split()) for text in hypotheses]
        self.words = None
        self.start_us, self.end_us = start_us, start_us + S
        self.pause_us = None
        self.committed = False
        self.failure = None
        self.known = asyncio.Event()
        self.known.set()

    @property
    def audio_us(self):
        return self.end_us - self.start_us

    @property
    def text(self):
        return None if self.words is None else Transcript(self.words).text

    def _words(self, texts):
        at = self.start_us
        return tuple(Word(text, at + i * S // 10, at + (i + 1) * S // 10) for i, text in enumerate(texts))

    def hear_more(self):
        self.words = self._words(self._hypotheses.pop(0))

    async def finish(self, voice_end_us):
        await self.known.wait()
        if self.failure:
            raise self.failure
        while self._hypotheses:
            self.hear_more()
        return Transcript(self.words)

    def take_confirmed(self):
        return self.text or ""

    def first_hypothesis_after(self, ms):
        self.first_after_ms = ms


class Answering:
    """In the place of a responder: what it was told to do, and what it has said."""

    def __init__(self):
        self.spoken_lately = ""
        self.silent_from_us = 0
        self.done = []

    def prepare(self, text, start_us, end_us):
        self.done.append(("prepare", text))

    def abandon(self):
        self.done.append("abandon")

    async def stopped(self):
        pass


class Reading:
    """In the place of a reading: what was heard."""

    def __init__(self):
        self.heard = []
        self.pending = None

    async def hear(self, said):
        self.heard.append(said)


class Table:
    """Turns, and everything around them."""

    def __init__(self, clock, config, **vad):
        self.clock = clock
        self.told = []
        self.session = Session(SessionOptions(turn_detection=ServerVad(**vad)))
        self.responder, self.reading = Answering(), Reading()
        self.tasks = Tasks("sess", self.told.append)
        # No sound is heard here: what hearing reports the test does.
        ears = Ears(None, config.speech, SileroDetector(load_silero()), SoundClock(clock))
        scope = SessionScope(clock, self.tasks, self.told.append, self.follow)
        self.turns = Turns(ears, self.session, self.reading, self.responder, scope)

    def follow(self, outcomes):
        for outcome in outcomes:
            if isinstance(outcome, Recognise):
                self.turns.recognise(outcome.item_id)
            else:
                self.told.append(outcome)

    def answering(self):
        """A response is being given, and says ``REPLY``."""
        self.responder.spoken_lately = REPLY
        self.session.responses.begin("resp_1", in_conversation=True)

    def start(self, utterance):
        self.turns.speech_started(utterance.start_us, utterance)

    def partial(self, utterance):
        utterance.hear_more()
        self.turns.partial(utterance, NOTHING_MORE)

    async def stop(self, utterance):
        self.turns.speech_stopped(utterance.end_us, utterance.end_us - S // 10, utterance)
        await self.turns.recognised()

    def kinds(self):
        return [type(event) for event in self.told]

    def of(self, kind):
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
def table(hand_clock, config):
    return lambda **vad: Table(hand_clock, config, **vad)


def within(scenario):
    asyncio.run(asyncio.wait_for(scenario, 30))


def test_a_turn_is_taken_in_once_its_words_are_known(table):
    async def scenario():
        at = table()
        utterance = Spoken("What do", "What do you see?")
        at.start(utterance)
        at.partial(utterance)
        await at.stop(utterance)
        assert at.kinds()[:4] == [SpeechStarted, TranscriptPartial, SpeechStopped, InputCommitted]
        (heard,) = at.reading.heard
        assert isinstance(heard, Said)
        assert (heard.text, heard.start_us, heard.end_us) == ("What do you see?", 0, 400_000)
        (completed,) = at.of(TranscriptCompleted)
        assert completed.item_id == heard.item_id == at.of(InputCommitted)[0].item_id
        assert len(at.of(Respond)) == 1

    within(scenario())


def test_words_are_taken_in_in_the_order_they_were_said(table):
    async def scenario():
        at = table(create_response=False)
        first, second = Spoken("First."), Spoken("Second.", start_us=2 * S)
        first.known.clear()
        for utterance in (first, second):
            at.start(utterance)
            at.turns.speech_stopped(utterance.end_us, utterance.end_us, utterance)
        for _ in range(5):
            await asyncio.sleep(0)
        assert at.reading.heard == []
        first.known.set()
        await at.turns.recognised()
        assert [said.text for said in at.reading.heard] == ["First.", "Second."]

    within(scenario())


def test_words_that_cannot_be_had_are_said_to_be_so_and_the_next_turn_goes_on(table):
    async def scenario():
        at = table(create_response=False)
        lost = Spoken("lost")
        lost.failure = InvalidRequestError("too noisy")
        for utterance in (lost, Spoken("Next.", start_us=2 * S)):
            at.start(utterance)
            await at.stop(utterance)
        assert [event.error for event in at.of(TranscriptFailed)] == [lost.failure]
        assert [said.text for said in at.reading.heard] == ["Next."]

    within(scenario())


@pytest.mark.parametrize(
    ("words", "reason"), [("Mm-hm.", "backchannel"), ("the cat sat on the mat", "echo"), ("", "noise")]
)
def test_what_is_no_interruption_holds_the_reply_and_never_was(table, words, reason):
    async def scenario():
        at = table()
        at.answering()
        utterance = Spoken(words)
        at.start(utterance)
        assert at.kinds() == [type(at.told[0]), OutputHeld]
        await at.stop(utterance)
        assert [event.reason for event in at.of(OutputResumed)] == [reason]
        assert at.reading.heard == []
        assert not at.of(SpeechStarted)
        assert not at.of(StopResponse)

    within(scenario())


def test_two_words_that_mean_something_stop_the_reply_at_once_and_one_waits(table):
    async def scenario():
        at = table()
        at.answering()
        utterance = Spoken("Wait", "Wait please", "Wait please, what?")
        at.start(utterance)
        at.partial(utterance)
        assert not at.of(StopResponse)
        at.partial(utterance)
        assert [event.reason for event in at.of(StopResponse)] == ["turn_detected"]
        await at.stop(utterance)
        assert [said.text for said in at.reading.heard] == ["Wait please, what?"]

    within(scenario())


def test_one_word_is_enough_where_the_speaker_has_paused(table):
    async def scenario():
        at = table()
        at.answering()
        utterance = Spoken("Stop.")
        at.start(utterance)
        utterance.pause_us = utterance.end_us
        at.partial(utterance)
        assert len(at.of(StopResponse)) == 1

    within(scenario())


@pytest.mark.parametrize(("long_us", "goes_on"), [(LONG_NOISE_US - 1, False), (LONG_NOISE_US, True)])
def test_a_long_sound_without_words_is_a_noise_while_it_lasts(table, long_us, goes_on):
    async def scenario():
        at = table()
        at.answering()
        utterance = Spoken("", "")
        at.start(utterance)
        utterance.end_us = utterance.start_us + long_us
        at.partial(utterance)
        assert bool(at.of(OutputResumed)) is goes_on

    within(scenario())


def test_who_was_heard_by_a_loudspeaker_is_not_held_for_again_for_a_while(table, hand_clock):
    async def scenario():
        at = table()
        at.answering()
        echo = Spoken("the cat sat on the mat")
        at.start(echo)
        await at.stop(echo)
        assert len(at.of(OutputHeld)) == 1
        hand_clock.advance_to(ECHO_LASTS_US - 1)
        at.start(Spoken("Mm-hm."))
        at.turns.clear()
        assert len(at.of(OutputHeld)) == 1
        hand_clock.advance_to(ECHO_LASTS_US)
        at.start(Spoken("Mm-hm."))
        assert len(at.of(OutputHeld)) == 2

    within(scenario())


def test_the_end_of_a_reply_that_comes_back_when_it_is_over_is_a_turn_without_words(table):
    async def scenario():
        at = table()
        at.responder.spoken_lately, at.responder.silent_from_us = REPLY, S
        echo, user = Spoken("and looked at the moon"), Spoken("and looked at the moon", start_us=9 * S)
        for utterance in (echo, user):
            at.start(utterance)
            await at.stop(utterance)
        assert [event.transcript.text for event in at.of(TranscriptCompleted)] == [
            "",
            "and looked at the moon",
        ]
        assert len(at.reading.heard) == 1

    within(scenario())


def test_an_answer_is_begun_where_nothing_else_is_going_on(table):
    async def scenario():
        at = table()
        utterance = Spoken("What is it?")
        at.start(utterance)
        at.turns.speech_paused(utterance)
        assert at.responder.done == []
        utterance.hear_more()
        at.turns.speech_paused(utterance)
        assert at.responder.done == [("prepare", "What is it?")]
        at.turns.speech_resumed()
        assert at.responder.done[1:] == ["abandon"]
        at.answering()
        at.turns.speech_paused(utterance)
        assert len(at.responder.done) == 2

    within(scenario())


def test_who_throws_away_what_was_heard_is_not_answered(table):
    async def scenario():
        at = table()
        at.answering()
        utterance = Spoken("Wait please.")
        utterance.known.clear()
        at.start(utterance)
        at.turns.speech_stopped(utterance.end_us, utterance.end_us, utterance)
        at.turns.clear()
        utterance.known.set()
        await at.turns.recognised()
        assert at.reading.heard == []
        assert not at.of(StopResponse)

    within(scenario())


def test_when_nobody_speaks_for_long_the_model_does(table, hand_clock):
    async def scenario():
        at = table(idle_timeout_ms=5_000)
        at.turns.wait_for_voice(2 * S)
        hand_clock.advance_to(7 * S - 1)
        await asyncio.sleep(0)
        assert at.told == []
        hand_clock.advance_to(7 * S)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(at.of(Respond)) == 1
        at.turns.wait_for_voice(7 * S)
        at.start(Spoken("Hello."))
        hand_clock.advance_to(60 * S)
        await asyncio.sleep(0)
        assert len(at.of(Respond)) == 1
        at.turns.close()

    within(scenario())


def test_nothing_cannot_be_committed(table):
    async def scenario():
        with pytest.raises(InvalidRequestError) as caught:
            await table().turns.commit()
        assert caught.value.code == "input_audio_buffer_commit_empty"

    within(scenario())


def test_a_turn_in_which_anything_goes_wrong_is_in_nobodys_way_after(table):
    async def scenario():
        at = table()
        broken = Spoken("lost")
        broken.failure = RuntimeError("no such thing")
        at.start(broken)
        await at.stop(broken)
        assert at.session.held_back_by is None
        assert at.of(SessionFailed)

    within(scenario())


def test_a_turn_is_answered_though_what_was_said_before_it_cannot_be_read(table):
    async def scenario():
        at = table()

        async def full(said):
            raise MemoryStoreError("the disk is full")

        at.reading.hear = full
        utterance = Spoken("What is it?")
        at.start(utterance)
        await at.stop(utterance)
        assert len(at.of(SessionFailed)) == len(at.of(TranscriptCompleted)) == len(at.of(Respond)) == 1
        assert at.session.held_back_by == "response"

    within(scenario())
