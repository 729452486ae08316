"""Events are shared out over the questions, also when a question was taken for two."""

import base64

import numpy as np
import pytest

from streams.bench.exchange import Exchanges

PIECE = base64.b64encode(np.full(2_400, 1_000, "<i2").tobytes()).decode()


@pytest.fixture
def exchanges():
    return Exchanges()


def response(exchanges, number, status="completed", pieces=1, **latency):
    one = {"response_id": number, "item_id": f"item {number}"}
    exchanges.on_event({"type": "response.created", "response": {"id": number}})
    exchanges.on_event({"type": "memory.recalled", "moments": [], **one})
    exchanges.on_event({"type": "response.output_audio_transcript.delta", "delta": "Yes.", **one})
    for _ in range(pieces):
        exchanges.on_event({"type": "response.output_audio.delta", "delta": PIECE, **one})
    exchanges.on_event(
        {"type": "response.output_audio_transcript.done", "transcript": f"Yes {number}.", **one}
    )
    exchanges.on_event({"type": "response.done", "response": {"id": number, "status": status}})
    exchanges.on_event({"type": "session.latency", **one, **latency})


def test_an_answer_and_its_stages_belong_to_the_question(exchanges):
    exchange = exchanges.begin("Well?")
    exchange.voice_end_s = 0.0
    exchanges.on_event({"type": "input_audio_buffer.speech_stopped"})
    kind = "conversation.item.input_audio_transcription.completed"
    exchanges.on_event({"type": kind, "transcript": "Well?"})
    response(exchanges, "r1", transcript_ms=520.5, total_ms=900.0)
    assert (exchange.heard, exchange.answer, exchange.status) == ("Well?", "Yes r1.", "completed")
    assert exchange.done.is_set()
    assert exchange.speaking.is_set()
    stages = ("end_of_speech", "transcript", "recall", "first_token", "first_audio")
    waits = [exchange.waited_ms(stage) for stage in stages]
    assert waits == sorted(waits)
    assert exchange.told_ms["transcript"] == 520.5
    assert exchange.told_ms["recall"] is None
    assert exchanges.exchanges == [exchange]


def test_a_question_that_was_taken_for_two_is_answered_by_the_last(exchanges):
    exchange = exchanges.begin("Well, … what?")
    exchange.voice_end_s = 0.0
    response(exchanges, "r1", status="cancelled")
    assert not exchange.done.is_set()
    early = exchange.waited_ms("first_audio")
    response(exchanges, "r2")
    assert exchange.done.is_set()
    assert exchange.answer == "Yes r2."
    assert exchange.waited_ms("first_audio") > early


def test_an_interrupted_answer_is_done_and_keeps_its_last_sound(exchanges):
    first = exchanges.begin("Tell me all.")
    exchanges.on_event({"type": "response.created", "response": {"id": "r1"}})
    first.interrupted = True
    second = exchanges.begin("Stop!")
    late = {"type": "response.output_audio.delta", "delta": PIECE, "response_id": "r1", "item_id": "i1"}
    exchanges.on_event(late)
    exchanges.on_event({"type": "response.done", "response": {"id": "r1", "status": "cancelled"}})
    assert first.done.is_set()
    assert first.last_audio_s is not None
    assert (second.last_audio_s, second.done.is_set()) == (None, False)


def test_errors_are_counted(exchanges):
    assert not exchanges.opened
    exchanges.on_event({"type": "session.created"})
    exchanges.on_event({"type": "error", "error": {"code": "overloaded"}})
    exchanges.begin("Well?")
    response(exchanges, "r1", status="failed")
    assert exchanges.opened
    assert exchanges.errors == {"overloaded": 1, "response_failed": 1}
