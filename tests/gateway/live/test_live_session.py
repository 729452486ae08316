"""A running session on the real models: voice, pictures and text, on media time and on the wall clock."""

import asyncio
import contextlib
import warnings
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from gateway.assembly import Streams
from speech.wer import word_errors
from streams.clock import ReplayClock, WallClock
from streams.conversation import (
    AudioContent,
    FunctionCall,
    Message,
    ResponseOptions,
    SemanticVad,
    ServerVad,
    TextContent,
)
from streams.errors import InvalidRequestError
from streams.events import (
    AudioDelta,
    FrameSeen,
    IdleTimedOut,
    InputCleared,
    InputCommitted,
    ItemAdded,
    ItemDeleted,
    ItemDone,
    ItemRetrieved,
    ItemTruncated,
    MomentsRecalled,
    OutputHeld,
    OutputResumed,
    ResponseCreated,
    ResponseDone,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    TranscriptCompleted,
    TranscriptPartial,
)
from streams.session import new_id
from streams.types import AudioChunk, BlockKind, Transcript, Word

S = 1_000_000
RATE = 24_000
TIMEOUT_S = 90
SILENCE = np.zeros(RATE, np.float32)
HEARD_ONLY = ServerVad(create_response=False, interrupt_response=False)
STATEMENT = "The meeting with Anna is on Friday at noon."
QUESTION = "What is the capital of France?"


@pytest.fixture
def service(streams, config, tmp_path):
    """The service with few hypotheses, so that little time goes into them."""
    memory = config.memory.model_copy(update={"dir": tmp_path})
    speech = config.speech.model_copy(update={"partial_interval_ms": 5_000})
    return Streams(config.model_copy(update={"memory": memory, "speech": speech}), streams.backend)


@pytest.fixture(scope="module")
def say(streams):
    """A sentence at 24 kHz, followed by a second of silence."""
    return lambda text: np.concatenate([streams.backend.synthesizer.synthesize(text), SILENCE])


@pytest.fixture(scope="module")
def photograph(models):
    folder = models.resolve("sample").path

    def load(name):
        picture = PIL.Image.open(next(folder.rglob(name))).convert("RGB")
        return np.asarray(picture.resize((320, 240)))

    return load


class Talk:
    """A session and all that it told, in order."""

    def __init__(self):
        self.events = []
        self._changed = asyncio.Event()

    def emit(self, event):
        self.events.append(event)
        self._changed.set()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def kinds(self):
        return [type(event) for event in self.events]

    async def until(self, kind, count=1):
        """The ``count``-th event of its kind."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[count - 1]

    async def hear(self, samples, rate=RATE):
        for at in range(0, len(samples), rate // 10):
            await self.session.append_audio(samples[at : at + rate // 10], rate)

    async def hear_live(self, samples, clock, at_rest):
        """At the pace at which it is spoken, on a machine that needs no time for what it computes."""
        for at in range(0, len(samples), RATE // 10):
            clock.advance_to(clock.now_us() + S // 10)
            await self.session.append_audio(samples[at : at + RATE // 10], RATE)
            await at_rest(self.events)

    async def write(self, text):
        await self.session.add_item(Message(new_id("item"), "user", (TextContent(text),)), None)

    async def ask(self, text, **options):
        """The end of the response to ``text``."""
        await self.write(text)
        response_id = await self.session.respond(ResponseOptions(**options))
        await self.settled()
        (done,) = [each for each in self.of(ResponseDone) if each.response_id == response_id]
        return done

    async def settled(self):
        async with asyncio.timeout(TIMEOUT_S):
            await self.session.drain()

    def remembered(self, kind):
        """What memory holds of ``kind``, as (start, end, text), in the order it was read."""
        memory = self.session._stream.memory
        infos = [*memory.sealed(), *(block.info for block in memory.recent())]
        return [(info.start_us, info.end_us, info.text) for info in infos if info.kind is kind]


@contextlib.asynccontextmanager
async def talking(service, clock=None, **options):
    """A session on media time unless a clock is given; closed, nothing of it is left running."""
    talk = Talk()
    options = {"modality": "text", "max_output_tokens": 24} | options
    talk.session = await service.open_session(
        talk.emit,
        clock=lambda start_us: clock or ReplayClock(),
        options=replace(service.default_options(), **options),
    )
    try:
        yield talk
    finally:
        await talk.session.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def text_of(done):
    return done.item.content[0].text


class TestVoice:
    def test_a_spoken_question_is_answered(self, service, say):
        async def scenario():
            async with talking(service) as talk:
                await talk.hear(np.concatenate([SILENCE, say(QUESTION)]))
                await talk.settled()
                told = [kind for kind in talk.kinds() if kind not in (TranscriptPartial, TextDelta)]
                assert told[:8] == [
                    SpeechStarted,
                    SpeechStopped,
                    InputCommitted,
                    ItemAdded,
                    ItemDone,
                    TranscriptCompleted,
                    ResponseCreated,
                    MomentsRecalled,
                ]
                (heard,) = talk.of(TranscriptCompleted)
                assert word_errors([QUESTION], [heard.transcript.text]).errors == 0
                (done,) = talk.of(ResponseDone)
                assert "Paris" in text_of(done)
                times = done.times
                assert 0 <= times.end_of_speech_ms <= times.transcript_ms <= times.recall_ms

        asyncio.run(scenario())

    def test_what_is_said_is_remembered_at_its_time_on_the_clock(self, service, say):
        async def scenario():
            clock = ReplayClock()
            async with talking(service, clock, turn_detection=HEARD_ONLY) as talk:
                sentence = say(STATEMENT)
                await talk.hear(sentence)
                clock.advance_to(100 * S)
                await talk.hear(sentence)
                await talk.settled()
                assert talk.of(ResponseDone) == []
                # The last thing said waits for what comes next; a typed question is the next.
                await talk.ask("When is the meeting?")
                said = talk.remembered(BlockKind.UTTERANCE)
                assert [text for _, _, text in said[:2]] == [STATEMENT] * 2
                assert said[2][2] == "When is the meeting?"
                (first, first_end, _), (second, _, _) = said[:2]
                assert 0 <= first < first_end < 4 * S
                assert second - first == pytest.approx(100 * S, abs=S // 4)

        asyncio.run(scenario())

    def test_live_sound_that_comes_faster_than_time_was_not_said_in_the_future(self, service, say):
        async def scenario():
            clock = WallClock()
            async with talking(service, clock, turn_detection=HEARD_ONLY) as talk:
                await talk.hear(say(STATEMENT))
                sent_us = clock.now_us()
                await talk.settled()
                await talk.ask("When is the meeting?", max_output_tokens=1)
                start_us, end_us, text = talk.remembered(BlockKind.UTTERANCE)[0]
                assert text == STATEMENT
                # The recogniser's word times are good to a tenth of a second or two.
                assert 0 <= start_us <= end_us <= sent_us + S // 5

        asyncio.run(scenario())

    def test_two_utterances_that_come_while_the_first_is_recognised_are_answered_once(self, service, say):
        async def scenario():
            async with talking(service) as talk:
                await talk.hear(np.concatenate([say(STATEMENT), say("When is the meeting?")]))
                await talk.settled()
                await talk.settled()
                said = [text for _, _, text in talk.remembered(BlockKind.UTTERANCE)]
                assert said == [STATEMENT, "When is the meeting?"]
                transcripts = [event.item_id for event in talk.of(TranscriptCompleted)]
                assert transcripts == [event.item_id for event in talk.of(InputCommitted)]
                assert talk.of(ResponseDone)[-1].status == "completed"

        asyncio.run(scenario())

    def test_words_are_taken_in_in_the_order_they_were_said(self, service, streams):
        class Slow:
            """Names an utterance by how loud it is; is held up in the middle of the first."""

            def __init__(self):
                self.busy, self.through = asyncio.Event(), asyncio.Event()

            def transcribe(self, samples, *, start_us=0, prompt=""):
                if samples[0] == 0.5:
                    loop.call_soon_threadsafe(self.busy.set)
                    asyncio.run_coroutine_threadsafe(self.through.wait(), loop).result(TIMEOUT_S)
                return Transcript((Word("first" if samples[0] == 0.5 else "second", start_us, start_us + 1),))

        async def scenario():
            nonlocal loop
            loop = asyncio.get_running_loop()
            slow = Slow()
            other = Streams(service.config, replace(streams.backend, recognizer=slow))
            async with talking(other, WallClock(), turn_detection=None) as talk:
                window = np.ones(512, np.float32)
                for _ in range(160):
                    await talk.session.append_audio(0.5 * window, 16_000)
                await slow.busy.wait()  # a hypothesis of the first is under way
                await talk.session.commit_audio()
                await talk.session.append_audio(window, 16_000)
                await talk.session.commit_audio()
                slow.through.set()
                await talk.settled()
                assert [event.transcript.text for event in talk.of(TranscriptCompleted)] == [
                    "first",
                    "second",
                ]
                assert [text for _, _, text in talk.remembered(BlockKind.UTTERANCE)] == ["first"]
                await talk.session.respond(ResponseOptions(max_output_tokens=1))
                await talk.settled()
                assert [text for _, _, text in talk.remembered(BlockKind.UTTERANCE)] == ["first", "second"]

        loop = None
        asyncio.run(scenario())

    def test_push_to_talk(self, service, say):
        async def scenario():
            async with talking(service, turn_detection=None) as talk:
                with pytest.raises(InvalidRequestError) as caught:
                    await talk.session.commit_audio()
                assert caught.value.code == "input_audio_buffer_commit_empty"
                await talk.hear(say(QUESTION))
                await talk.session.commit_audio()
                await talk.settled()
                kinds = [kind for kind in talk.kinds() if kind is not TranscriptPartial]
                assert kinds == [InputCommitted, ItemAdded, ItemDone, TranscriptCompleted]
                await talk.session.respond(ResponseOptions())
                await talk.settled()
                assert "Paris" in text_of(talk.of(ResponseDone)[0])
                with pytest.raises(InvalidRequestError):
                    await talk.session.commit_audio()

        asyncio.run(scenario())

    def test_silence_is_a_turn_without_words_and_without_an_answer(self, service):
        async def scenario():
            async with talking(service, turn_detection=None) as talk:
                await talk.hear(SILENCE)
                await talk.session.commit_audio()
                await talk.settled()
                (heard,) = talk.of(TranscriptCompleted)
                assert heard.transcript == Transcript(())
                assert heard.audio_us == pytest.approx(S, abs=64_000)
                assert talk.remembered(BlockKind.UTTERANCE) == []

        asyncio.run(scenario())

    def test_voice_may_be_found_after_push_to_talk(self, service, say):
        async def scenario():
            async with talking(service, turn_detection=None) as talk:
                await talk.hear(np.concatenate([SILENCE, SILENCE, SILENCE]))
                await talk.session.commit_audio()
                await talk.session.update(replace(talk.session.options, turn_detection=HEARD_ONLY))
                await talk.hear(say(STATEMENT))
                await talk.settled()
                assert talk.of(TranscriptCompleted)[-1].transcript.text == STATEMENT
                (started,) = talk.of(SpeechStarted)
                assert 3 * S - S // 10 <= started.at_us < 4 * S

        asyncio.run(scenario())

    def test_what_is_cleared_was_never_said(self, service, say):
        async def scenario():
            async with talking(service) as talk:
                voice = say(QUESTION)
                await talk.hear(voice[:RATE])
                assert talk.of(SpeechStarted)
                talk.session.clear_audio()
                assert talk.kinds()[-1] is InputCleared
                await talk.hear(SILENCE)
                await talk.settled()
                assert talk.kinds()[-1] is InputCleared
                with pytest.raises(InvalidRequestError):
                    await talk.session.commit_audio()

        asyncio.run(scenario())

    def test_speech_that_grows_too_long_is_a_turn(self, service, say):
        speech = service.config.speech.model_copy(update={"max_utterance_s": 5.1})
        short = Streams(service.config.model_copy(update={"speech": speech}), service.backend)
        text = "In the morning we walked down to the river, and in the afternoon we climbed the hill."

        async def scenario():
            async with talking(short, turn_detection=HEARD_ONLY) as talk:
                voice = short.backend.synthesizer.synthesize(text, speed=0.75)
                assert len(voice) > 5.5 * RATE
                await talk.hear(np.concatenate([voice, SILENCE]))
                await talk.settled()
                turns = talk.of(TranscriptCompleted)
                assert len(turns) >= 2
                assert 5.1 * S < turns[0].audio_us < 5.2 * S
                assert sum(len(turn.transcript.words) for turn in turns) >= 15

        asyncio.run(scenario())


class TestKnowingTheEnd:
    """A pause for thought in mid-sentence, twice as long as the silence that ends a turn of ``ServerVad``."""

    FIRST, SECOND = "So I went to the market because", "I needed some bread."

    @pytest.mark.parametrize(
        ("turns", "count"), [(ServerVad(), 2), (SemanticVad(), 1)], ids=["silence", "sense"]
    )
    def test_who_hesitates_is_not_cut_off_by_semantic_vad(self, service, say, turns, count):
        hesitant = np.concatenate([SILENCE, say(self.FIRST), say(self.SECOND), SILENCE])

        async def scenario():
            async with talking(service, turn_detection=replace(turns, create_response=False)) as talk:
                await talk.hear(hesitant)
                await talk.settled()
                heard = [event.transcript.text for event in talk.of(TranscriptCompleted)]
                assert len(heard) == len(talk.of(SpeechStopped)) == count
                assert word_errors([f"{self.FIRST} {self.SECOND}"], [" ".join(heard)]).errors <= 2

        asyncio.run(scenario())

    @pytest.mark.parametrize(("eagerness", "most_ms"), [("high", 700), ("auto", 1_000), ("low", 2_000)])
    def test_who_has_finished_does_not_wait_long(self, service, say, eagerness, most_ms):
        async def scenario():
            question = np.concatenate([SILENCE, say(QUESTION), SILENCE])
            spoken_us = (len(question) - 2 * RATE) * S // RATE
            async with talking(service, turn_detection=SemanticVad(eagerness, create_response=False)) as talk:
                await talk.hear(question)
                await talk.settled()
                (stopped,) = talk.of(SpeechStopped)
                assert stopped.at_us - spoken_us <= most_ms * 1_000

        asyncio.run(scenario())


class TestSpeakingUp:
    def test_when_nobody_speaks_the_model_does(self, service):
        async def scenario():
            clock = ReplayClock()
            turns = ServerVad(idle_timeout_ms=6_000)
            async with talking(service, clock, turn_detection=turns) as talk:
                await talk.hear(SILENCE)
                await talk.ask("My name is Anna.")
                clock.advance_to(clock.now_us() + 5_900_000)
                await talk.settled()
                assert not talk.of(IdleTimedOut)
                clock.advance_to(clock.now_us() + 200_000)
                idle = await talk.until(IdleTimedOut)
                done = await talk.until(ResponseDone, 2)
                assert idle.end_us - idle.start_us == pytest.approx(6 * S, abs=S // 4)
                assert done.status in ("completed", "incomplete")
                assert [added.item.id for added in talk.of(ItemAdded)][-1] == idle.item_id
                assert talk.of(InputCommitted)[-1].item_id == idle.item_id

        asyncio.run(scenario())

    def test_who_speaks_is_not_spoken_to_for_silence(self, service, say):
        async def scenario():
            clock = ReplayClock()
            turns = ServerVad(idle_timeout_ms=5_000, create_response=False)
            async with talking(service, clock, turn_detection=turns) as talk:
                await talk.ask("My name is Anna.")
                clock.advance_to(clock.now_us() + 4_000_000)
                await talk.hear(say(STATEMENT))
                clock.advance_to(clock.now_us() + 60 * S)
                await talk.settled()
                assert not talk.of(IdleTimedOut)

        asyncio.run(scenario())


class TestInterrupting:
    def test_voice_stops_the_answer_and_what_was_not_heard_is_not_remembered(
        self, service, say, hand_clock, at_rest
    ):
        async def scenario():
            async with talking(service, hand_clock, modality="audio", max_output_tokens=96) as talk:
                await talk.hear_live(say("Tell me a long story about a king."), hand_clock, at_rest)
                first = await talk.until(AudioDelta)
                await talk.hear_live(SILENCE, hand_clock, at_rest)  # some words are heard
                before = len(talk.events)
                await talk.hear_live(say("Wait, what is two plus two?"), hand_clock, at_rest)
                held = talk.events.index(await talk.until(OutputHeld))
                assert held >= before
                started = talk.events.index(await talk.until(SpeechStarted, 2))
                assert not [event for event in talk.events[held:started] if isinstance(event, AudioDelta)]
                done = await talk.until(ResponseDone)
                after = [event for event in talk.events[started + 1 :] if hasattr(event, "response_id")]
                assert [event for event in after if event.response_id == first.response_id] == [done]
                assert (done.status, done.reason) == ("cancelled", "turn_detected")
                kept = done.item.content[0].transcript
                written = "".join(
                    event.text for event in talk.of(TextDelta) if event.response_id == first.response_id
                )
                assert written.startswith(kept)
                assert 0 < len(kept) < len(written)
                replies = [text for _, _, text in talk.remembered(BlockKind.REPLY)]
                assert kept.startswith(replies[0])
                assert len(kept) - len(replies[0]) < 12  # at most part of a token
                await talk.hear_live(np.zeros(20 * RATE, np.float32), hand_clock, at_rest)
                second = await talk.until(ResponseDone, 2)
                assert second.response_id != first.response_id
                said = [text for _, _, text in talk.remembered(BlockKind.UTTERANCE)]
                assert len(said) == 2

        asyncio.run(scenario())


class TestNotInterrupting:
    """An answer that is being heard goes on where it stopped, whole, and nothing is told of a voice."""

    @pytest.fixture
    def interjected(self, service, say, hand_clock, at_rest):
        """Runs a session in whose first answer ``heard(talk)`` is heard, piece by piece of 100 ms."""

        async def scenario(heard):
            async with talking(service, hand_clock, modality="audio", max_output_tokens=40) as talk:
                await talk.hear_live(say("Tell me a long story about a king.")[:-RATE], hand_clock, at_rest)
                for piece in heard(talk):
                    await talk.hear_live(piece, hand_clock, at_rest)
                    if talk.of(ResponseDone):
                        break
                (done,) = talk.of(ResponseDone)
                await talk.hear_live(SILENCE, hand_clock, at_rest)
                await talk.settled()
                assert done.status in ("completed", "incomplete")
                assert len(talk.of(SpeechStarted)) == len(talk.of(TranscriptCompleted)) == 1
                assert len(talk.of(ResponseCreated)) == 1, "its own last words are not answered"
                chunks = [event.chunk for event in talk.of(AudioDelta)]
                assert [chunk.pts_us for chunk in chunks] == [0, *(chunk.end_us for chunk in chunks[:-1])]
                written = "".join(event.text for event in talk.of(TextDelta))
                assert done.item.content[0].transcript == written.strip()
                return talk

        return lambda heard: asyncio.run(scenario(heard))

    @staticmethod
    def pieces(samples, after_s):
        """``samples`` after so much silence, and silence after them."""
        whole = np.concatenate([np.zeros(after_s * RATE), samples, np.zeros(60 * RATE)]).astype(np.float32)
        return (whole[at : at + RATE // 10] for at in range(0, len(whole), RATE // 10))

    def test_a_backchannel_does_not_interrupt(self, interjected, say):
        talk = interjected(lambda _: self.pieces(say("Yeah. Okay."), after_s=2))
        assert {event.reason for event in talk.of(OutputResumed)} == {"backchannel"}

    def test_a_voice_without_words_does_not_interrupt(self, interjected, say):
        interjected(lambda _: self.pieces(say("Mmm."), after_s=2))

    def test_its_own_voice_through_the_loudspeaker_does_not_interrupt(self, interjected):
        """Played as it comes, and back at the microphone 200 ms later at half its strength."""

        def heard(talk):
            room, ends, played = np.zeros(90 * RATE, np.float32), 0, 0
            for at in range(0, 60 * RATE, RATE // 10):
                for event in talk.of(AudioDelta)[played:]:
                    begins, samples = max(ends, at), event.chunk.samples
                    ends = begins + len(samples)
                    room[begins:ends], played = samples, played + 1
                delayed = at - 2 * RATE // 10
                yield 0.5 * room[max(delayed, 0) : max(delayed, 0) + RATE // 10] * (delayed >= 0)

        interjected(heard)


class TestItems:
    def test_what_is_deleted_is_neither_remembered_nor_answered(self, service):
        async def scenario():
            async with talking(service) as talk:
                done = await talk.ask("My name is Ann.")
                question = talk.of(ItemAdded)[0].item.id
                await talk.session.delete_item(question)
                await talk.session.delete_item(done.item.id)
                assert talk.of(ItemDeleted) == [ItemDeleted(question), ItemDeleted(done.item.id)]
                assert talk.remembered(BlockKind.UTTERANCE) == talk.remembered(BlockKind.REPLY) == []
                with pytest.raises(InvalidRequestError) as caught:
                    await talk.session.delete_item(question)
                assert (caught.value.code, caught.value.param) == ("item_not_found", "item_id")
                await talk.write("Who am I?")
                await talk.session.delete_item(talk.of(ItemAdded)[-1].item.id)
                await talk.ask("What is two plus two?")
                said = [text for _, _, text in talk.remembered(BlockKind.UTTERANCE)]
                assert said == ["What is two plus two?"]

        asyncio.run(scenario())

    def test_of_a_truncated_reply_only_what_was_heard_is_remembered(self, service):
        async def scenario():
            async with talking(service, modality="audio", max_output_tokens=48) as talk:
                done = await talk.ask("Tell me a story about a king.")
                whole, sent_us = done.item.content[0].transcript, talk.of(AudioDelta)[-1].chunk.end_us
                await talk.session.truncate_item(done.item.id, 0, 1_000_000)
                assert talk.of(ItemTruncated) == [ItemTruncated(done.item.id, 0, 1_000_000)]
                talk.session.retrieve_item(done.item.id)
                heard = talk.of(ItemRetrieved)[0].item.content[0].transcript
                assert 0 < len(heard) < len(whole)
                assert whole.startswith(heard)
                assert [text for _, _, text in talk.remembered(BlockKind.REPLY)] == [heard]
                question = talk.of(ItemAdded)[0].item.id
                for wrong, param in (
                    ((done.item.id, 0, sent_us + 2_000), "audio_end_ms"),
                    ((done.item.id, 1, 0), "content_index"),
                    ((question, 0, 0), "item_id"),
                ):
                    with pytest.raises(InvalidRequestError) as caught:
                        await talk.session.truncate_item(*wrong)
                    assert caught.value.param == param
                await talk.session.truncate_item(done.item.id, 0, 0)
                assert talk.remembered(BlockKind.REPLY) == []

        asyncio.run(scenario())


class TestText:
    def test_two_questions_in_a_row(self, service):
        async def scenario():
            async with talking(service) as talk:
                assert "Paris" in text_of(await talk.ask(QUESTION))
                assert "Rome" in text_of(await talk.ask("What is the capital of Italy?"))
                items = [event.item.id for event in talk.of(ItemAdded)]
                assert len(set(items)) == 2

        asyncio.run(scenario())

    def test_a_second_response_is_refused_while_one_is_active(self, service):
        async def scenario():
            async with talking(service) as talk:
                await talk.write("Tell me a story.")
                response_id = await talk.session.respond(ResponseOptions())
                with pytest.raises(InvalidRequestError, match=response_id):
                    await talk.session.respond(ResponseOptions())
                with pytest.raises(InvalidRequestError, match="'resp_other' is not active"):
                    talk.session.cancel("resp_other")
                await talk.settled()
                with pytest.raises(InvalidRequestError, match="is not active"):
                    talk.session.cancel(response_id)

        asyncio.run(scenario())

    def test_sound_in_an_item_is_recognised(self, service, say):
        async def scenario():
            async with talking(service) as talk:
                audio = AudioChunk(0, RATE, say(QUESTION))
                item = Message("spoken", "user", (AudioContent(audio=audio),))
                await talk.session.add_item(item, None)
                (heard,) = talk.of(TranscriptCompleted)
                assert (heard.item_id, heard.audio_us) == ("spoken", audio.duration_us)
                assert word_errors([QUESTION], [heard.transcript.text]).errors == 0
                await talk.session.respond(ResponseOptions())
                await talk.settled()
                assert "Paris" in text_of(talk.of(ResponseDone)[0])

        asyncio.run(scenario())

    def test_a_transcript_that_comes_with_its_item_is_taken_as_it_is(self, service):
        async def scenario():
            async with talking(service) as talk:
                await talk.session.add_item(Message("a", "user", (AudioContent(transcript="Hello."),)), None)
                await talk.session.add_item(Message("b", "assistant", (TextContent("Hi!"),)), "a")
                await talk.session.add_item(Message("c", "user", (TextContent("How are you?"),)), "b")
                assert talk.of(TranscriptCompleted) == []
                assert [text for _, _, text in talk.remembered(BlockKind.UTTERANCE)] == ["Hello."]
                assert [text for _, _, text in talk.remembered(BlockKind.REPLY)] == ["Hi!"]

        asyncio.run(scenario())

    def test_an_unknown_voice_is_refused_and_nothing_changes(self, service):
        async def scenario():
            async with talking(service) as talk:
                before = talk.session.options
                with pytest.raises(InvalidRequestError, match="'nobody'") as caught:
                    await talk.session.update(replace(before, voice="nobody", instructions="Rhyme."))
                assert caught.value.param == "voice"
                assert talk.session.options is before
                with pytest.raises(InvalidRequestError, match="'nobody'"):
                    await talk.session.respond(ResponseOptions(voice="nobody"))
                assert talk.kinds() == []
                await talk.ask(QUESTION)

        asyncio.run(scenario())

    def test_a_text_too_long_to_be_read_is_refused_and_nothing_changes(self, service):
        long = "word " * 5_000
        items = (
            Message("item_1", "user", (TextContent(long),)),
            Message("item_1", "user", (AudioContent(long), TextContent("?"))),
            FunctionCall("item_1", "call_1", "look_up", long),
        )

        async def scenario():
            async with talking(service) as talk:
                for item in items:
                    with pytest.raises(InvalidRequestError, match="tokens") as caught:
                        await talk.session.add_item(item, None)
                    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "item")
                with pytest.raises(InvalidRequestError, match="tokens") as caught:
                    await talk.session.respond(ResponseOptions(instructions=long))
                assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "instructions")
                assert talk.kinds() == []

        asyncio.run(scenario())

    def test_instructions_can_be_changed(self, service):
        async def scenario():
            async with talking(service, instructions="You are a pirate.") as talk:
                await talk.session.update(
                    replace(talk.session.options, instructions="You are a cook named Remy.")
                )
                await talk.settled()
                assert talk.session._stream.memory.sinks.info.text == "You are a cook named Remy."

        asyncio.run(scenario())


class TestSight:
    def test_ingest_goes_on_while_an_answer_is_written(self, service, photograph):
        pictures = [photograph(name) for name in ("coffee.png", "chelsea.png")]

        async def scenario():
            async with talking(service, WallClock(), max_output_tokens=96) as talk:
                await talk.write("Tell me a long story about a king.")
                await talk.session.respond(ResponseOptions())
                await talk.until(TextDelta)
                number = 0
                while not talk.of(ResponseDone):
                    await talk.session.append_frame(pictures[number % 2], number * S)
                    number += 1
                    await talk.until(FrameSeen, number)
                kinds = talk.kinds()
                last = len(kinds) - 1 - kinds[::-1].index(TextDelta)
                assert kinds.index(TextDelta) < kinds.index(FrameSeen) < last
                assert len(talk.remembered(BlockKind.FRAME)) == number

        asyncio.run(scenario())

    def test_frames_that_come_during_an_answer_do_not_change_it(self, service, photograph):
        pictures = [photograph(name) for name in ("coffee.png", "chelsea.png", "rocket.jpg")]

        async def scenario(disturbed):
            async with talking(service, max_output_tokens=40) as talk:
                await talk.session.append_frame(pictures[0], 0)
                await talk.settled()
                await talk.write("Tell me a story about what you saw.")
                await talk.session.respond(ResponseOptions())
                await talk.until(TextDelta)
                if disturbed:
                    for number in (1, 2):
                        await talk.session.append_frame(pictures[number], number * S)
                        await talk.until(FrameSeen, 1 + number)
                    assert talk.of(ResponseDone) == []
                await talk.settled()
                return text_of(talk.of(ResponseDone)[0])

        assert asyncio.run(scenario(False)) == asyncio.run(scenario(True))

    def test_what_was_seen_before_a_question_is_read_before_it(self, service, photograph):
        async def scenario():
            async with talking(service) as talk:
                for number, name in enumerate(("coffee.png", "chelsea.png", "motorcycle_left.png")):
                    await talk.session.append_frame(photograph(name), number * S)
                await talk.ask("What do you see?")
                assert len(talk.remembered(BlockKind.FRAME)) == 3
                kinds = talk.kinds()
                assert kinds.index(MomentsRecalled) > len(kinds) - 1 - kinds[::-1].index(FrameSeen)
                counts = talk.session.frame_counts
                assert (counts.seen, counts.encoded, counts.dropped) == (3, 3, 0)

        asyncio.run(scenario())

    def test_live_too_a_frame_that_was_sent_just_before_a_question_is_in_its_answer(
        self, service, photograph, hand_clock
    ):
        async def scenario():
            async with talking(service, hand_clock) as talk:
                await talk.session.append_frame(photograph("coffee.png"), None)
                await talk.ask("What do you see now?")
                seen, done = talk.events.index(talk.of(FrameSeen)[0]), talk.of(ResponseDone)[0]
                assert seen < talk.events.index(talk.of(MomentsRecalled)[0])
                assert "coffee" in text_of(done)

        asyncio.run(scenario())

    def test_memory_is_counted_and_frames_can_be_looked_at(self, service, photograph):
        async def scenario():
            async with talking(service) as talk:
                empty = await talk.session.memory_stats()
                assert empty.device_bytes > 0
                await talk.session.append_frame(photograph("coffee.png"), 0)
                await talk.ask("What do you see?")
                stats = await talk.session.memory_stats()
                assert stats.blocks == empty.blocks + 3  # the frame, the question, the reply
                assert stats.device_bytes > empty.device_bytes
                memory = talk.session._stream.memory
                (frame,) = [block.id for block in memory.recent() if block.info.kind is BlockKind.FRAME]
                assert talk.session.thumbnail(frame).startswith(b"\xff\xd8")
                assert talk.session.thumbnail(frame + 1) is None

        asyncio.run(scenario())


class TestEnding:
    def test_draining_returns_when_there_is_nothing_to_do(self, service):
        async def scenario():
            async with talking(service) as talk:
                await asyncio.wait_for(talk.session.drain(), TIMEOUT_S)

        asyncio.run(scenario())

    @pytest.mark.parametrize("modality", ["text", "audio"])
    def test_closing_in_the_middle_of_an_answer_is_clean(self, service, photograph, modality):
        problems = []

        async def scenario():
            asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
            async with talking(service, WallClock(), modality=modality, max_output_tokens=96) as talk:
                await talk.session.append_frame(photograph("coffee.png"), 0)
                await talk.write("Tell me a long story about a king.")
                await talk.session.respond(ResponseOptions())
                await talk.until(AudioDelta if modality == "audio" else TextDelta)
            told = len(talk.events)
            await talk.session._backend.engine.run(lambda: None)
            assert len(talk.events) == told
            (done,) = talk.of(ResponseDone)
            assert (done.status, done.reason) == ("cancelled", "client_cancelled")

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asyncio.run(scenario())
        assert problems == []

    def test_closing_in_the_middle_of_speech_is_clean(self, service, say):
        speech = service.config.speech.model_copy(update={"partial_interval_ms": 200})
        eager = Streams(service.config.model_copy(update={"speech": speech}), service.backend)

        async def scenario():
            async with talking(eager, WallClock()) as talk:
                await talk.hear(say(QUESTION)[:RATE])
            assert talk.of(SpeechStarted)
            told = len(talk.events)
            await talk.session._backend.recognizer_worker.run(lambda: None)
            await asyncio.sleep(0)
            assert len(talk.events) == told

        asyncio.run(scenario())
