import asyncio

import pytest

from streams.talk.turns import OpenTurns

SPOKEN = (
    {"type": "input_audio_buffer.speech_started", "item_id": "i1"},
    {"type": "input_audio_buffer.committed", "item_id": "i1"},
    {"type": "response.created", "response": {"id": "r1"}},
    {"type": "conversation.item.input_audio_transcription.completed", "item_id": "i1"},
)
LAST = {"type": "response.done", "response": {"id": "r1"}}


def test_a_turn_is_open_from_the_first_voice_to_the_end_of_the_answer():
    turns = OpenTurns()
    assert not turns.open
    for event in SPOKEN:
        turns.on_event(event)
        assert turns.open
    assert (turns.speaking, turns.answering) == (False, True)
    turns.on_event(LAST)
    assert not turns.open


@pytest.mark.parametrize("last", ["completed", "failed"])
def test_words_that_nobody_answers_close_it_too(last):
    turns = OpenTurns()
    for event in SPOKEN[:2]:
        turns.on_event(event)
    turns.on_event({"type": f"conversation.item.input_audio_transcription.{last}", "item_id": "i1"})
    assert not turns.open


def test_sound_that_is_cleared_is_no_turn():
    turns = OpenTurns()
    turns.on_event(SPOKEN[0])
    turns.on_event({"type": "input_audio_buffer.cleared"})
    assert not turns.open


def test_one_can_wait_for_the_end():
    async def wait():
        turns = OpenTurns()
        for event in SPOKEN:
            turns.on_event(event)
        waiting = asyncio.create_task(turns.closed())
        await asyncio.sleep(0)
        assert not waiting.done()
        turns.on_event(LAST)
        await waiting

    asyncio.run(wait())
