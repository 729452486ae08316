"""Transcription-only sessions, as the stock ``openai`` client and the agents SDK use them."""

import asyncio
import base64
import contextlib

import numpy as np
import pytest
from agents.voice import StreamedAudioInput, STTModelSettings
from agents.voice.models.openai_stt import OpenAISTTModel
from openai import AsyncOpenAI

from speech.audio import float_to_pcm16, resample
from speech.audio_format import PCM16, PCMU
from speech.wer import word_errors
from streams.serve import new_server

TIMEOUT_S = 90
SILENCE = np.zeros(24_000, np.float32)
TEXT = "What did you see in the morning?"


def client_of(server):
    return AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")


@contextlib.asynccontextmanager
async def connected(streams):
    async with new_server(streams) as server:
        manager = client_of(server).realtime.connect(extra_query={"intent": "transcription"})
        async with manager as connection:
            created = await connection.recv()
            assert created.type == "session.created"
            assert created.session.type == "transcription"
            assert created.session.audio.input.turn_detection.type == "server_vad"
            yield connection


async def update(connection, **audio_input):
    session = {"type": "transcription", "audio": {"input": audio_input}}
    await connection.session.update(session=session)
    updated = await connection.recv()
    assert updated.type == "session.updated", updated
    return updated.session


async def speak(connection, samples, audio_format):
    sound = resample(samples, 24_000, audio_format.rate)
    for start in range(0, len(sound), audio_format.rate // 10):
        data = audio_format.encode(sound[start : start + audio_format.rate // 10])
        await connection.input_audio_buffer.append(audio=base64.b64encode(data).decode())


async def until(connection, kind):
    events = []
    async with asyncio.timeout(TIMEOUT_S):
        async for event in connection:
            events.append(event)
            if event.type == kind:
                return events
    raise AssertionError(f"no {kind} in {[event.type for event in events]}")


COMPLETED = "conversation.item.input_audio_transcription.completed"


@pytest.mark.parametrize("audio_format", [PCM16, PCMU], ids=lambda each: each.type)
def test_speech_becomes_text_and_nothing_else(streams, voice, audio_format):
    async def talk():
        async with connected(streams) as connection:
            session = await update(
                connection,
                format={"type": audio_format.type},
                transcription={"model": "gpt-4o-transcribe", "language": "en"},
                turn_detection={"type": "server_vad", "silence_duration_ms": 400},
                noise_reduction=None,
            )
            assert session.audio.input.format.type == audio_format.type
            assert session.audio.input.turn_detection.silence_duration_ms == 400
            sound = np.concatenate([SILENCE, voice(TEXT), SILENCE])
            await speak(connection, sound, audio_format)
            events = await until(connection, COMPLETED)
            # What comes in answer to this comes after everything that the turn could have led to.
            await connection.send({"type": "response.create"})
            return events + await until(connection, "error")

    events = asyncio.run(talk())
    *told, error = events
    kinds = [event.type for event in told]
    assert set(kinds) == {
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        COMPLETED,
    }
    completed = told[-1]
    assert word_errors([TEXT], [completed.transcript]).errors == 0
    deltas = [event.delta for event in told if event.type.endswith("transcription.delta")]
    assert "".join(deltas) == completed.transcript
    assert 1 < completed.usage.seconds < 4
    assert (error.error.code, error.error.param) == ("unsupported_event", "type")


def test_the_client_may_commit_and_a_realtime_update_is_refused(streams, voice):
    async def talk():
        async with connected(streams) as connection:
            await connection.session.update(session={"type": "realtime"})
            refused = (await until(connection, "error"))[-1].error
            assert (refused.code, refused.param) == ("unsupported_value", "session.type")
            await update(connection, turn_detection=None)
            await speak(connection, voice(TEXT), PCM16)
            await connection.input_audio_buffer.commit()
            return (await until(connection, COMPLETED))[-1]

    assert word_errors([TEXT], [asyncio.run(talk()).transcript]).errors == 0


def test_the_agents_sdk_transcribes_a_stream(streams, voice):
    async def talk():
        sound = StreamedAudioInput()
        pcm = np.frombuffer(float_to_pcm16(np.concatenate([SILENCE, voice(TEXT), *[SILENCE] * 3])), "<i2")
        for start in range(0, len(pcm), 2_400):
            await sound.add_audio(pcm[start : start + 2_400])
        await sound.add_audio(None)
        async with new_server(streams) as server, asyncio.timeout(TIMEOUT_S):
            model = OpenAISTTModel("whisper-1", client_of(server))
            session = await model.create_session(
                sound,
                STTModelSettings(),
                trace_include_sensitive_data=False,
                trace_include_sensitive_audio_data=False,
            )
            turns = [turn async for turn in session.transcribe_turns()]
            await session.close()
            return turns

    (said,) = asyncio.run(talk())
    assert word_errors([TEXT], [said]).errors == 0
