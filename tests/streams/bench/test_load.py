"""Simulated users against the real gateway: they talk, interrupt, are refused, and all is counted."""

import asyncio

import numpy as np
import PIL.Image
import pytest

from gateway.assembly import Streams
from speech.hibari import HibariSynthesizer
from streams.bench import load
from streams.bench.caller import calling, speak
from streams.bench.gateway_report import percentiles, reports
from streams.bench.load import Script, run_load
from streams.serve import new_server
from streams.talk.sight import encode_jpeg


@pytest.fixture(scope="module")
def phrases():
    voice = HibariSynthesizer()
    return [
        speak(voice, [text]) for text in ("What is two plus two?", "Tell me about cats.", "Wait, stop it.")
    ]


@pytest.fixture(scope="module")
def script(phrases, models):
    folder = models.resolve("sample").path
    picture = PIL.Image.open(next(folder.rglob("coffee.png"))).convert("RGB")
    return Script(*phrases, [encode_jpeg(np.asarray(picture))])


def loaded(streams, script, sessions, seconds):
    async def run():
        async with new_server(streams) as server:
            return await run_load(server.url, script, sessions, seconds, 0, lambda done: None)

    return asyncio.run(run())


def test_users_talk_and_what_came_of_it_is_told(streams, script, config, monkeypatch):
    monkeypatch.setattr(load, "START_WITHIN_S", 0.01)
    found = loaded(streams, script, 2, 0.1)
    assert len(found.exchanges) >= 2
    assert {each.status for each in found.exchanges} <= {"completed", "incomplete", "cancelled"}
    assert (found.refused, found.lost, found.errors) == (0, 0, {})
    assert found.frames_sent >= 2
    client, server, conversations, machine = reports([found], config)
    stages = {row["stage"]: row for row in client.rows}
    assert 0 < stages["end of speech"]["sessions_2_p50"] < stages["first audio"]["sessions_2_p50"]
    assert {row["stage"]: row for row in server.rows}["transcript"]["sessions_2_p99"] > 0
    assert conversations.rows[0]["turns"] == len(found.exchanges)
    assert machine.rows[0]["resident_mb"] > 100
    assert machine.rows[0]["server_cores"] > 0
    assert found.counted["streams_turns_total", ""] >= len(found.exchanges)


def test_an_answer_is_spoken_over_and_the_history_cut(streams, phrases):
    (_,), (long_question,), (interruption,) = phrases

    async def talk():
        async with new_server(streams) as server, calling(server.url, []) as caller:
            return await caller.ask_and_interrupt(long_question, interruption, 0.4), caller.heard.errors

    (first, second), errors = asyncio.run(talk())
    assert errors == {}
    assert first.status == "cancelled"
    assert second.status in ("completed", "incomplete")
    assert first.last_audio_s < second.arrived_s["first_audio"]


def test_who_is_not_let_in_is_counted(streams, script, monkeypatch):
    monkeypatch.setattr(load, "START_WITHIN_S", 0.01)
    server = streams.config.server.model_copy(update={"max_sessions": 1})
    small = Streams(streams.config.model_copy(update={"server": server}), streams.backend)
    found = loaded(small, script, 2, 0.1)
    assert found.refused == 1
    assert reports([found], streams.config)[2].rows[0]["refused"] == "full 1"
    assert found.exchanges


def test_a_connection_that_breaks_ends_what_its_caller_does(streams, phrases):
    async def talk():
        async with new_server(streams) as server, calling(server.url, []) as caller:
            await server.close()
            await caller.ask(phrases[0][0])

    with pytest.raises(ExceptionGroup):
        asyncio.run(talk())


def test_percentiles_of_nothing_are_none():
    assert percentiles([]) == [None, None, None]
    assert percentiles([1.0, 2.0, 3.0])[0] == 2.0
