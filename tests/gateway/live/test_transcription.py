"""A session that only writes down what it hears, on the real recogniser."""

import asyncio
import contextlib
from dataclasses import replace

import numpy as np
import pytest

from gateway.live.transcription import TranscriptionSession
from speech.wer import word_errors
from streams.clock import ReplayClock
from streams.conversation import Message, ResponseOptions, SemanticVad, TextContent, unanswered
from streams.errors import InvalidRequestError
from streams.events import (
    InputCleared,
    InputCommitted,
    ItemAdded,
    ItemDeleted,
    ItemDone,
    ItemRetrieved,
    SpeechStarted,
    SpeechStopped,
    TranscriptCompleted,
    TranscriptPartial,
)

RATE = 24_000
SILENCE = np.zeros(RATE, np.float32)
TEXTS = ("What did you see in the morning?", "And who was there?")
TEXT = TEXTS[0]


@contextlib.asynccontextmanager
async def transcribing(streams, **options):
    """A session on media time, and all that it tells."""
    events = []
    defaults = streams.default_options()
    turns = unanswered(defaults.turn_detection)
    chosen = replace(
        defaults, kind="transcription", transcription=True, **({"turn_detection": turns} | options)
    )
    speech = streams.config.speech
    session = TranscriptionSession(streams.backend, speech, chosen, ReplayClock(), events.append)
    try:
        yield session, events
    finally:
        await session.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def hear(session, samples):
    for at in range(0, len(samples), RATE // 10):
        await session.append_audio(samples[at : at + RATE // 10], RATE)


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("turns", [None, SemanticVad(create_response=False, interrupt_response=False)])
def test_voice_is_written_down_turn_by_turn_and_nothing_answered(streams, voice, turns):
    options = {} if turns is None else {"turn_detection": turns}
    sound = np.concatenate(
        [SILENCE, voice(TEXT), *[SILENCE] * 5, voice("And who was there?"), *[SILENCE] * 5]
    )

    async def scenario():
        async with transcribing(streams, **options) as (session, events):
            await hear(session, sound)
            await session.drain()
            return events

    events = asyncio.run(scenario())
    said = of(events, TranscriptCompleted)
    for text, each in zip(TEXTS, said, strict=True):
        assert word_errors([text], [each.transcript.text]).errors == 0
    assert {type(event) for event in events} == {
        SpeechStarted,
        TranscriptPartial,
        SpeechStopped,
        InputCommitted,
        ItemAdded,
        ItemDone,
        TranscriptCompleted,
    }
    assert [event.previous_item_id for event in of(events, InputCommitted)] == [None, said[0].item_id]


def test_the_client_may_end_the_turns_itself(streams, voice):
    async def scenario():
        async with transcribing(streams, turn_detection=None) as (session, events):
            with pytest.raises(InvalidRequestError) as caught:
                await session.commit_audio()
            assert caught.value.code == "input_audio_buffer_commit_empty"
            await hear(session, voice("Never mind."))
            session.clear_audio()
            assert of(events, InputCleared)
            await hear(session, voice(TEXT))
            await session.commit_audio()
            await session.drain()
            (said,) = of(events, TranscriptCompleted)
            assert word_errors([TEXT], [said.transcript.text]).errors == 0
            assert not of(events, SpeechStarted)
            session.retrieve_item(said.item_id)
            (found,) = of(events, ItemRetrieved)
            assert found.item.content[0].transcript == said.transcript.text
            await session.delete_item(said.item_id)
            assert of(events, ItemDeleted) == [ItemDeleted(said.item_id)]
            with pytest.raises(InvalidRequestError):
                session.retrieve_item(said.item_id)

    asyncio.run(scenario())


def test_turns_can_be_found_another_way_while_it_runs(streams, voice):
    async def scenario():
        async with transcribing(streams, turn_detection=None) as (session, events):
            turns = unanswered(streams.default_options().turn_detection)
            await session.update(replace(session.options, turn_detection=turns))
            await hear(session, np.concatenate([SILENCE, voice(TEXT), SILENCE]))
            await session.drain()
            assert len(of(events, TranscriptCompleted)) == len(of(events, SpeechStopped)) == 1

    asyncio.run(scenario())


def test_what_needs_a_language_model_is_refused(streams):
    async def scenario():
        async with transcribing(streams) as (session, events):
            message = Message("item_1", "user", (TextContent("Hello."),))
            picture = np.zeros((8, 8, 3), np.uint8)
            for request in (
                lambda: session.respond(ResponseOptions()),
                lambda: session.add_item(message, None),
                lambda: session.truncate_item("item_1", 0, 0),
                lambda: session.append_frame(picture, None),
            ):
                with pytest.raises(InvalidRequestError) as caught:
                    await request()
                assert (caught.value.code, caught.value.param) == ("unsupported_event", "type")
            for request in (lambda: session.cancel(None), session.clear_frames):
                with pytest.raises(InvalidRequestError) as caught:
                    request()
                assert (caught.value.code, caught.value.param) == ("unsupported_event", "type")
            assert events == []
            assert session.thumbnail(0) is None

    asyncio.run(scenario())
