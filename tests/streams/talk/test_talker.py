"""A person who speaks over an answer, with the real gateway at the other end."""

import asyncio
import json

import numpy as np
import pytest

from speech.asr import ASR_RATE
from speech.audio import read_wav, resample
from streams.client import WIRE_RATE, RealtimeClient
from streams.talk.log import EventLog
from streams.talk.player import Player
from streams.talk.sound import SILENCE, WavSpeaker
from streams.talk.talker import Talker

HEARD_S = 0.8
PIECE = len(SILENCE)


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

    def pieces(samples):
        return np.pad(samples, (0, -len(samples) % PIECE)).reshape(-1, PIECE)

    async def sound():
        for piece in pieces(said("Explain in detail how coffee is made.")):
            yield piece
            await asyncio.sleep(PIECE / WIRE_RATE)
        while not started.is_set():
            yield SILENCE
            await asyncio.sleep(PIECE / WIRE_RATE)
        await asyncio.sleep(HEARD_S)
        for piece in pieces(said("Wait, what is two plus two?")):
            yield piece
            await asyncio.sleep(PIECE / WIRE_RATE)

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
