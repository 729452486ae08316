"""A person who speaks over an answer, with the real gateway at the other end."""

import asyncio
import json

import numpy as np
import pytest

from speech.asr import ASR_RATE
from speech.audio import resample
from streams.client import WIRE_RATE, RealtimeClient
from streams.serve import new_server
from streams.talk.log import EventLog
from streams.talk.player import Player
from streams.talk.sound import SILENCE, WavSpeaker
from streams.talk.talker import Talker
from tests.wav import read_wav

HEARD_S = 0.8
PIECE = len(SILENCE)


def pieces(samples):
    return np.pad(samples, (0, -len(samples) % PIECE)).reshape(-1, PIECE)


async def paced(samples):
    for piece in pieces(samples):
        yield piece
        await asyncio.sleep(PIECE / WIRE_RATE)


@pytest.fixture(scope="module")
def interrupted(url, said, tmp_path_factory):
    """A long answer is spoken over once ``HEARD_S`` of it are out; events, and what was heard."""
    folder = tmp_path_factory.mktemp("interrupted")
    player, log = Player(WIRE_RATE), EventLog(folder / "events.jsonl")
    speaker = WavSpeaker(player, folder / "answers.wav")
    talker = Talker(player, [log.on_event])
    started, retrieved = asyncio.Event(), asyncio.Event()

    def on_event(event):
        talker.on_event(event)
        if event["type"] == "response.output_audio.delta":
            started.set()
        if event["type"] == "conversation.item.retrieved":
            retrieved.set()

    async def sound():
        async for piece in paced(said("Explain in detail how coffee is made.")):
            yield piece
        while not started.is_set():
            yield SILENCE
            await asyncio.sleep(PIECE / WIRE_RATE)
        await asyncio.sleep(HEARD_S)
        async for piece in paced(said("Wait, what is two plus two?")):
            yield piece

    async def converse():
        async with RealtimeClient(url, on_event) as client:
            playing = asyncio.create_task(speaker.run(fast=False))
            await talker.run(client, sound=sound(), sight=None, typed=None)
            playing.cancel()
            replies = [event for event in read() if event["type"] == "conversation.item.truncated"]
            await client.send("conversation.item.retrieve", item_id=replies[0]["item_id"])
            await retrieved.wait()

    def read():
        return [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]

    asyncio.run(asyncio.wait_for(converse(), 120))
    speaker.close()
    log.close()
    return read(), read_wav(folder / "answers.wav")[0]


def of(events, kind):
    return [event for event in events if event["type"] == kind]


def test_the_answer_stops_and_the_next_question_is_answered(interrupted):
    events, _ = interrupted
    first, second = (event["response"] for event in of(events, "response.done"))
    assert (first["status"], first["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert second["status"] in ("completed", "incomplete")
    assert of(events, "error") == []


def test_the_server_is_told_how_much_was_heard_and_remembers_that(interrupted):
    events, _ = interrupted
    (truncated,) = of(events, "conversation.item.truncated")
    first = of(events, "response.done")[0]["response"]
    assert truncated["item_id"] == first["output"][0]["id"]
    assert truncated["audio_end_ms"] > 0
    (retrieved,) = of(events, "conversation.item.retrieved")
    kept = retrieved["item"]["content"][0]["transcript"]
    written = of(events, "response.output_audio_transcript.done")[0]["transcript"]
    assert len(kept) < len(written)
    assert written.strip().startswith(kept)


def test_what_was_heard_of_both_answers_is_in_the_file(interrupted, streams):
    events, heard = interrupted
    (truncated,) = of(events, "conversation.item.truncated")
    first = truncated["audio_end_ms"] * WIRE_RATE // 1_000
    assert first < len(heard)
    words = streams.backend.recognizer.transcribe(resample(heard[first:], WIRE_RATE, ASR_RATE)).text
    assert words


def test_a_socket_that_drops_in_the_middle_of_a_question_costs_nothing(url, said):
    events, question = [], "What is the capital of France?"
    player = Player(WIRE_RATE)
    talker = Talker(player, [events.append], resumes=True)

    async def sound(client):
        samples = said(question)
        async for piece in paced(samples[: len(samples) // 2]):
            yield piece
        client._socket.transport.abort()
        async for piece in paced(samples[len(samples) // 2 :]):
            yield piece

    async def played():
        while True:
            player.pull(WIRE_RATE)
            await asyncio.sleep(0.01)

    async def converse():
        async with RealtimeClient(url, talker.on_event, resume=True) as client:
            playing = asyncio.create_task(played())
            await talker.run(client, sound=sound(client), sight=None, typed=None)
            playing.cancel()

    asyncio.run(asyncio.wait_for(converse(), 120))
    assert len(of(events, "session.resumed")) == 1
    heard = of(events, "conversation.item.input_audio_transcription.completed")
    assert [event["transcript"] for event in heard] == [question]
    (done,) = of(events, "response.done")
    assert "Paris" in done["response"]["output"][0]["content"][0]["transcript"]


def test_a_session_that_is_over_ends_it_with_the_reason(streams):
    talker = Talker(Player(WIRE_RATE), [])

    async def nothing_typed():
        await asyncio.Event().wait()
        yield ""

    async def converse():
        async with new_server(streams) as server, RealtimeClient(server.url, talker.on_event) as client:
            talking = asyncio.create_task(talker.run(client, sound=None, sight=None, typed=nothing_typed()))
            await asyncio.sleep(0.1)
            await server.close()
            await talking

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(asyncio.wait_for(converse(), 60))
    assert "the server is shutting down" in str(raised.value.exceptions[0])


def test_an_update_that_is_refused_ends_it_with_the_reason(url, monkeypatch):
    monkeypatch.setattr("streams.talk.talker.TOLD", ("no.such.event",))
    talker = Talker(Player(WIRE_RATE), [])

    async def converse():
        async with RealtimeClient(url, talker.on_event) as client:
            await talker.run(client, sound=None, sight=None, typed=None)

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(asyncio.wait_for(converse(), 60))
    assert "events" in str(raised.value.exceptions[0])
