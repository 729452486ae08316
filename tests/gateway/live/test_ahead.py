"""Answers that are begun while the speaker pauses, in whole sessions."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from gateway.assembly import Streams
from gateway.live import responder
from llm.answer_ahead import AnswerAhead
from streams.conversation import ServerVad
from streams.events import ResponseDone, SpeechStarted, TranscriptCompleted
from streams.types import US_PER_S

RATE = 24_000
TIMEOUT_S = 90
SILENCE = np.zeros(RATE, np.float32)
QUESTION = "What is the capital of France?"


@pytest.fixture
def begun(monkeypatch):
    """Every answer that was begun ahead."""
    answers = []

    class Noted(AnswerAhead):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.discarded = False
            answers.append(self)

        def discard(self):
            super().discard()
            self.discarded = True

    monkeypatch.setattr(responder, "AnswerAhead", Noted)
    return answers


@pytest.fixture
def talk(streams, config, hand_clock, at_rest):
    """What a session tells whose client says ``sound`` at the pace at which it is spoken."""

    def run(sound, *, speculate=True, modality="text", **turns):
        speech = config.speech.model_copy(update={"speculate": speculate})
        service = Streams(config.model_copy(update={"speech": speech}), streams.backend)
        events = []

        async def scenario():
            options = replace(
                service.default_options(),
                modality=modality,
                max_output_tokens=24,
                turn_detection=ServerVad(**turns),
            )
            session = await service.open_session(events.append, clock=lambda _: hand_clock, options=options)
            async with asyncio.timeout(TIMEOUT_S):
                at = 0
                while at < len(sound) or not of(events, ResponseDone):
                    hand_clock.advance_to(hand_clock.now_us() + US_PER_S // 10)
                    await session.append_audio(sound[at : at + RATE // 10], RATE)
                    await at_rest(events)
                    at += RATE // 10
            await session.close()

        asyncio.run(scenario())
        return events

    return run


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_an_answer_begun_ahead_is_the_one_that_is_given(streams, talk, begun, modality):
    spoken = streams.backend.synthesizer.synthesize(QUESTION)
    sound = np.concatenate([spoken, *[SILENCE] * 4])
    silence = {"silence_duration_ms": 3_000}
    (plain,) = of(talk(sound, speculate=False, modality=modality, **silence), ResponseDone)
    assert not begun
    (done,) = of(talk(sound, modality=modality, **silence), ResponseDone)
    assert done.status == plain.status == "completed"
    assert done.item.content == plain.item.content
    assert (done.context_tokens, done.output_tokens) == (plain.context_tokens, plain.output_tokens)
    assert [answer.discarded for answer in begun] == [False]
    assert begun[0].written


def test_who_goes_on_speaking_is_answered_once_and_to_all_that_was_said(streams, talk, begun):
    synthesize = streams.backend.synthesizer.synthesize
    sound = np.concatenate(
        [synthesize("My sister lives in Paris."), *[SILENCE] * 2, synthesize(QUESTION), *[SILENCE] * 4]
    )
    events = talk(sound, silence_duration_ms=3_000)
    assert len(of(events, SpeechStarted)) == len(of(events, TranscriptCompleted)) == 1
    (done,) = of(events, ResponseDone)
    assert done.status == "completed"
    (heard,) = of(events, TranscriptCompleted)
    assert "sister" in heard.transcript.text
    assert "capital" in heard.transcript.text
    assert [answer.discarded for answer in begun[:1]] == [True]
    assert all(answer.discarded for answer in begun[:-1])
