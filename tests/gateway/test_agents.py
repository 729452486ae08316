"""Whole conversations of ``openai-agents``, which checks every event strictly and drops what is not right."""

import asyncio
import base64
import contextlib
import logging

import numpy as np
import pytest
from agents import function_tool
from agents.realtime import (
    RealtimeAgent,
    RealtimeModelSendRawMessage,
    RealtimePlaybackTracker,
    RealtimeRunner,
)

from speech.audio import float_to_pcm16, pcm16_to_float, resample
from speech.wer import word_errors
from streams.serve import new_server

RATE = 24_000
TIMEOUT_S = 90
SILENCE = np.zeros(RATE, np.float32)
# The SDK names a voice of the API ("ash") and turns tracing on by itself.
SETTINGS = {"turn_detection": {"type": "server_vad", "interrupt_response": True}}
SPOKEN = {**SETTINGS, "input_audio_transcription": {"model": "embedded"}}
WRITTEN = {**SETTINGS, "output_modalities": ["text"]}


class Talk:
    """An SDK session and all that it told: its own events, and the server's as they came."""

    def __init__(self, session, judge):
        self.session = session
        self.events = []
        self.told = []
        self._judge = judge
        self._changed = asyncio.Event()

    async def read(self):
        async for event in self.session:
            self.events.append(event)
            if event.type == "raw_model_event" and event.data.type == "raw_server_event":
                self.told.append(self._judge(event.data.data))
            self._changed.set()

    def of(self, kind):
        return [event for event in self.events if event.type == kind]

    def told_of(self, kind):
        return [event for event in self.told if event.type == kind]

    async def until(self, kind, count=1):
        """The ``count``-th server event of its kind."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.told_of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.told_of(kind)[count - 1]

    async def speak(self, samples):
        """Send sound in pieces of 100 ms, faster than real time."""
        for start in range(0, len(samples), RATE // 10):
            await self.session.send_audio(float_to_pcm16(samples[start : start + RATE // 10]))

    def history(self, role):
        """The messages of ``role``, as the SDK has them in the end."""
        messages = self.of("history_updated")[-1].history
        return [item for item in messages if item.type == "message" and item.role == role]


@pytest.fixture
def talking(streams, judge, caplog):
    """Opens an SDK session on a fresh gateway; what the SDK finds wrong fails the test.

    ``errors`` is how many ``error`` events of the server are expected.
    """

    @contextlib.asynccontextmanager
    async def opened(settings, *, agent=None, errors=0, playback=None):
        agent = agent or RealtimeAgent(name="Host", instructions="You are a helpful host.")
        config = {"initial_model_settings": settings, "api_key": "none"}
        if playback is not None:
            config["playback_tracker"] = playback
        async with new_server(streams) as server:
            config["url"] = f"{server.url}?model=streams"
            runner = RealtimeRunner(agent, config={})
            async with await runner.run(model_config=config) as session:
                talk = Talk(session, judge)
                reader = asyncio.create_task(talk.read())
                await talk.until("session.updated", 2)  # the settings, then the tracing
                yield talk
            await reader
        assert len(talk.of("error")) == len(talk.told_of("error")) == errors
        assert not [event for event in talk.of("raw_model_event") if event.data.type == "exception"]

    caplog.set_level(logging.INFO, "openai.agents")
    yield opened
    found = [record for record in caplog.records if record.name.startswith("openai.agents")]
    assert not [record.getMessage() for record in found if record.levelno >= logging.WARNING]


def test_a_spoken_question_is_answered_in_voice(talking, streams, voice):
    question = "What is the capital of France?"

    async def scenario():
        async with talking(SPOKEN) as talk:
            await talk.speak(np.concatenate([SILENCE, voice(question), SILENCE]))
            done = (await talk.until("response.done")).response
            assert done.status == "completed"
            (said,) = talk.told_of("conversation.item.input_audio_transcription.completed")
            assert word_errors([question], [said.transcript]).errors == 0
        (answer,) = [item for item in talk.history("assistant") if item.content]
        assert "Paris" in answer.content[0].transcript
        assert answer.status == "completed"
        (heard,) = talk.history("user")
        assert heard.content[0].transcript == said.transcript
        pcm = b"".join(event.audio.data for event in talk.of("audio"))
        spoken = streams.backend.recognizer.transcribe(resample(pcm16_to_float(pcm), RATE, 16_000)).text
        assert word_errors(answer.content[0].transcript, spoken).rate <= 0.2
        assert len(talk.of("audio_end")) == 1

    asyncio.run(scenario())


def test_a_tool_is_called_run_and_answered_with(talking):
    asked = []

    @function_tool
    def get_weather(city: str) -> str:
        """Tell the weather in a city.

        Args:
            city: The name of the city.
        """
        asked.append(city)
        return f"It is raining in {city}."

    agent = RealtimeAgent(name="Host", instructions="You are a helpful host.", tools=[get_weather])

    async def scenario():
        async with talking(WRITTEN, agent=agent) as talk:
            await talk.session.send_message("What is the weather in Paris?")
            await talk.until("response.done", 2)
        called, answered = (event.response for event in talk.told_of("response.done"))
        assert [item.type for item in called.output] == ["function_call"]
        assert asked == ["Paris"]
        (ended,) = talk.of("tool_end")
        assert ended.output == "It is raining in Paris."
        assert "rain" in answered.output[0].content[0].text
        assert [item.status for item in talk.history("assistant")] == ["completed"]

    asyncio.run(scenario())


def test_text_is_answered_in_text_turn_after_turn(talking):
    async def scenario():
        async with talking(WRITTEN) as talk:
            await talk.session.send_message("What is the capital of France?")
            await talk.until("response.done")
            await talk.session.send_message("What is the capital of Italy?")
            await talk.until("response.done", 2)
        first, second = talk.history("assistant")
        assert "Paris" in first.content[0].text
        assert "Rome" in second.content[0].text
        asked = [item.content[0].text for item in talk.history("user")]
        assert asked == ["What is the capital of France?", "What is the capital of Italy?"]
        assert len(talk.of("agent_start")) == len(talk.of("agent_end")) == 2

    asyncio.run(scenario())


def test_a_picture_in_a_message_is_named(talking, photograph):
    content = [
        {"type": "input_image", "image_url": f"data:image/png;base64,{photograph('coffee.png')}"},
        {"type": "input_text", "text": "What do you see now?"},
    ]

    async def scenario():
        async with talking(WRITTEN) as talk:
            await talk.session.send_message({"type": "message", "role": "user", "content": content})
            await talk.until("response.done")
        (answer,) = talk.history("assistant")
        assert "coffee" in answer.content[0].text or "espresso" in answer.content[0].text
        (asked,) = talk.history("user")
        assert [part.type for part in asked.content] == ["input_image", "input_text"]

    asyncio.run(scenario())


def test_speech_interrupts_and_the_sdk_truncates_what_was_not_heard(talking, voice):
    async def scenario():
        async with talking(SPOKEN) as talk:
            await talk.session.send_message("Tell me a long story about a king and his daughter.")
            await talk.until("response.output_audio.delta", 3)
            await talk.speak(np.concatenate([voice("Stop. What is the capital of France?"), SILENCE]))
            cut = (await talk.until("response.done")).response
            assert (cut.status, cut.status_details.reason) == ("cancelled", "turn_detected")
            truncated = await talk.until("conversation.item.truncated")
            await talk.until("conversation.item.retrieved")
            answer = (await talk.until("response.done", 2)).response
        sent = [event for event in talk.told_of("response.output_audio.delta") if event.response_id == cut.id]
        sent_ms = sum(len(base64.b64decode(event.delta)) for event in sent) / (2 * RATE) * 1_000
        assert 0 <= truncated.audio_end_ms <= sent_ms
        assert talk.of("audio_interrupted")[0].item_id == truncated.item_id == cut.output[0].id
        assert answer.status == "completed"
        assert answer.output[0].content[0].transcript  # of what, after half a story, hangs on the last bit
        ended = talk.told.index(next(each for each in talk.told if each.type == "response.done"))
        late = [each for each in talk.told[ended + 1 :] if getattr(each, "response_id", None) == cut.id]
        assert late == []

    asyncio.run(scenario())


def test_history_holds_only_what_the_playback_tracker_says_was_heard(talking):
    async def scenario():
        playback = RealtimePlaybackTracker()
        async with talking(SPOKEN, playback=playback) as talk:
            await talk.session.send_message("Tell me about cats.")
            reply = (await talk.until("response.done")).response.output[0]
            playback.on_play_ms(reply.id, 0, 300)
            await talk.session.interrupt()
            truncated = await talk.until("conversation.item.truncated")
            found = (await talk.until("conversation.item.retrieved")).item
        assert (truncated.item_id, truncated.audio_end_ms) == (reply.id, 300)
        whole, heard = (item.content[0].transcript for item in (reply, found))
        assert len(heard) < len(whole)
        assert whole.startswith(heard)

    asyncio.run(scenario())


def test_what_the_server_refuses_reaches_the_caller_and_the_session_goes_on(talking):
    async def scenario():
        async with talking(WRITTEN, errors=2) as talk:
            refused = {"type": "conversation.item.delete", "other_data": {"item_id": "item_none"}}
            await talk.session.model.send_event(RealtimeModelSendRawMessage(message=refused))
            await talk.until("error")
            await talk.session.send_audio(b"\0", commit=False)
            await talk.until("error", 2)
            await talk.session.send_message("What is the capital of France?")
            await talk.until("response.done")
        missing, odd = (event.error for event in talk.of("error"))
        assert (missing.code, missing.param) == ("item_not_found", "item_id")
        assert (odd.code, odd.param) == ("invalid_audio", "audio")
        (answer,) = talk.history("assistant")
        assert "Paris" in answer.content[0].text

    asyncio.run(scenario())
