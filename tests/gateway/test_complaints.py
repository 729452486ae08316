"""What users of realtime services complain about most, where no other test has it (see docs/clients.md)."""

import asyncio
import contextlib
import json
import math

import numpy as np
import pytest

from gateway.assembly import Streams
from speech.wer import word_errors
from streams.bench.noise import make_noise
from streams.client import RealtimeClient, audio_of
from streams.serve import new_server

RATE = 24_000
TIMEOUT_S = 90
NOISE_S = 40
TEXT = {"output_modalities": ["text"]}
TRANSCRIBED = {"audio": {"input": {"transcription": {"model": "embedded"}}}}
CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Germany": "Berlin",
    "Japan": "Tokyo",
    "Russia": "Moscow",
    "Greece": "Athens",
    "Egypt": "Cairo",
}


class Call:
    """A client and all that it was told."""

    def __init__(self, url):
        self.client = RealtimeClient(url, self._on_event)
        self.events = []
        self._changed = asyncio.Event()

    def _on_event(self, event):
        self.events.append(event)
        self._changed.set()

    def of(self, *kinds):
        return [event for event in self.events if event["type"] in kinds]

    async def until(self, *kinds, count=1):
        """The ``count``-th event of one of ``kinds``."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.of(*kinds)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(*kinds)[count - 1]

    async def update(self, *parts):
        session = {"type": "realtime"}
        for part in parts:
            session |= part
        updates = len(self.of("session.updated"))
        await self.client.send("session.update", session=session)
        await self.until("session.updated", count=updates + 1)

    async def hear(self, samples):
        for start in range(0, len(samples), RATE // 10):
            await self.client.append_audio(samples[start : start + RATE // 10])


def serving(streams, clock="wall", **speech):
    """The service with some settings of its own, and no limit on how fast messages may come."""
    config = streams.config
    server = config.server.model_copy(update={"port": 0, "clock": clock, "messages_burst": 100_000})
    config = config.model_copy(update={"server": server, "speech": config.speech.model_copy(update=speech)})
    return new_server(Streams(config, streams.backend))


@contextlib.asynccontextmanager
async def calling(server, *session):
    call = Call(server.url)
    async with call.client:
        await call.until("session.created")
        await call.update(*session)
        yield call


def seconds(count=NOISE_S):
    return np.arange(count * RATE) / RATE


def hum():
    """Of the mains, and what it makes vibrate."""
    swell = 1 + 0.2 * np.sin(2 * np.pi * 0.3 * seconds())
    return 0.05 * swell * sum(np.sin(2 * np.pi * 50 * k * seconds()) / k for k in (1, 2, 3, 4, 6))


def tune(level, decay):
    """Plucked notes of a pentatonic scale, four a second, each with its harmonics."""
    rng, sound, step = np.random.default_rng(0), np.zeros(NOISE_S * RATE), RATE // 4
    for start in range(0, len(sound), step):
        time = np.arange(min(RATE, len(sound) - start)) / RATE
        pitch = rng.choice((261.6, 293.7, 329.6, 392.0, 440.0, 523.3))
        note = sum(np.sin(2 * np.pi * pitch * k * time) / k**1.5 for k in range(1, 7))
        sound[start : start + len(time)] += note * np.exp(-decay * time)
    return level * sound / np.abs(sound).max()


def clicks():
    """Of a keyboard, five a second."""
    rng, sound = np.random.default_rng(0), np.zeros(NOISE_S * RATE)
    click = np.exp(-np.linspace(0, 6, RATE // 50))
    for start in rng.integers(0, len(sound) - len(click), NOISE_S * 5):
        sound[start : start + len(click)] += rng.normal(0, 0.3, len(click)) * click
    return sound


def noise(kind, level):
    return level * make_noise(kind, NOISE_S * RATE, np.random.default_rng(0))


SOUNDS = {
    "silence": np.zeros(NOISE_S * RATE),
    "hum": hum(),
    "a fan": noise("pink", 0.05),
    "static": noise("white", 0.02),
    "a keyboard": clicks(),
    "soft music": tune(0.15, 4.0),
    "loud music": tune(0.8, 2.0),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_where_nobody_speaks_nothing_is_heard_and_nothing_answered(streams, voice, name):
    sound = SOUNDS[name].astype(np.float32)

    async def scenario():
        async with serving(streams, "media") as server, calling(server, TEXT, TRANSCRIBED) as call:
            await call.hear(sound)
            # What comes after it is heard and answered as ever: it was not deafness.
            await call.hear(
                np.concatenate([np.zeros(RATE), voice("What is the capital of France?"), np.zeros(RATE)])
            )
            await call.until("response.done")
            return call

    call = asyncio.run(scenario())
    (heard,) = call.of("conversation.item.input_audio_transcription.completed")
    assert word_errors(["What is the capital of France?"], [heard["transcript"]]).errors <= (
        name == "loud music"
    )
    (started,) = call.of("input_audio_buffer.speech_started")
    assert started["audio_start_ms"] >= NOISE_S * 1_000
    (done,) = call.of("response.done")
    assert "Paris" in done["response"]["output"][0]["content"][0]["text"]


@pytest.mark.parametrize("name", SOUNDS)
def test_a_turn_of_nothing_but_noise_has_no_words(streams, name):
    """Committed by hand: the recogniser, which would make something up, is shown no sound without a voice."""
    push_to_talk = {"audio": {"input": {**TRANSCRIBED["audio"]["input"], "turn_detection": None}}}

    async def scenario():
        async with serving(streams, "media") as server, calling(server, TEXT, push_to_talk) as call:
            await call.hear(SOUNDS[name][: 5 * RATE].astype(np.float32))
            await call.client.send("input_audio_buffer.commit")
            return await call.until("conversation.item.input_audio_transcription.completed")

    assert asyncio.run(scenario())["transcript"] == ""


def test_a_turn_whose_sound_stops_coming_is_answered_all_the_same(streams, voice):
    question = voice("What is the capital of France?")
    spoken = question[: np.flatnonzero(np.abs(question) > 0.01)[-1]]

    async def scenario():
        async with serving(streams, stall_ms=500) as server, calling(server, TEXT, TRANSCRIBED) as call:
            await call.hear(np.concatenate([np.zeros(RATE), spoken]))
            return call, (await call.until("response.done"))["response"]

    call, response = asyncio.run(scenario())
    (heard,) = call.of("conversation.item.input_audio_transcription.completed")
    assert word_errors(["What is the capital of France?"], [heard["transcript"]]).errors == 0
    assert "Paris" in response["output"][0]["content"][0]["text"]


def test_whatever_a_client_says_was_heard_of_a_reply_up_to_all_of_it_is_no_error(streams):
    async def truncate(call, item_id, end_ms):
        answers = ("error", "conversation.item.truncated")
        told = len(call.of(*answers))
        await call.client.send(
            "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=end_ms
        )
        await call.until(*answers, count=told + 1)

    async def scenario():
        async with serving(streams) as server, calling(server, {"max_output_tokens": 16}) as call:
            item = {"type": "message", "role": "user"}
            item["content"] = [{"type": "input_text", "text": "Tell me a story about a king."}]
            await call.client.send("conversation.item.create", item=item)
            await call.client.send("response.create")
            item_id = (await call.until("response.output_item.added"))["item"]["id"]
            await truncate(call, item_id, 0)  # at once, before any sound
            done = await call.until("response.done")
            assert done["response"]["status"] in ("completed", "incomplete")
            samples = sum(len(audio_of(event)) for event in call.of("response.output_audio.delta"))
            whole_ms = math.ceil(samples * 1_000 / RATE)  # as clients round
            for end_ms in (whole_ms, whole_ms // 2, 1, 0, 0, whole_ms):
                await truncate(call, item_id, end_ms)
            assert call.of("error") == []
            await truncate(call, item_id, whole_ms + 1)
            return call

    (error,) = asyncio.run(scenario()).of("error")
    assert error["error"]["param"] == "audio_end_ms"


def test_many_calls_at_once_are_each_answered_with_what_they_asked(streams, voice):
    async def talk(server, country):
        async with calling(server, TEXT, TRANSCRIBED) as call:
            question = f"What is the capital of {country}?"
            await call.hear(np.concatenate([np.zeros(RATE), voice(question), np.zeros(RATE)]))
            answer = (await call.until("response.done"))["response"]["output"][0]["content"][0]["text"]
            (heard,) = call.of("conversation.item.input_audio_transcription.completed")
            assert word_errors(question, heard["transcript"]).errors == 0
            assert CAPITALS[country] in answer
            assert not [
                capital for capital in CAPITALS.values() if capital in answer and capital != CAPITALS[country]
            ]
            return json.dumps(call.events), {
                event["item"]["id"] for event in call.of("conversation.item.added")
            }

    async def scenario():
        async with serving(streams) as server:
            return await asyncio.gather(*(talk(server, country) for country in CAPITALS))

    calls = asyncio.run(scenario())
    for number, (_, items) in enumerate(calls):
        assert len(items) == 2
        others = [told for other, (told, _) in enumerate(calls) if other != number]
        assert not [item for item in items for told in others if item in told]
