"""The whole service on the embedded models, as the stock ``openai`` client sees it."""

import asyncio
import base64
import contextlib
from functools import partial

import numpy as np
import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from speech.audio import float_to_pcm16, pcm16_to_float, resample
from speech.audio_format import PCMA, PCMU
from speech.wer import word_errors
from streams.serve import new_server

RATE = 24_000
TIMEOUT_S = 90
SILENCE = np.zeros(RATE, np.float32)


@contextlib.asynccontextmanager
async def connected(streams, **session):
    """A stock client on a fresh gateway, with ``session`` updates applied."""
    async with new_server(streams) as server:
        client = AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")
        async with client.realtime.connect(model="streams") as connection:
            assert (await connection.recv()).type == "session.created"
            if session:
                await connection.session.update(session={"type": "realtime", **session})
                assert (await connection.recv()).type == "session.updated"
            yield connection


async def until(connection, kind):
    """Events up to and with the first of ``kind``."""
    events = []
    async with asyncio.timeout(TIMEOUT_S):
        async for event in connection:
            events.append(event)
            if event.type == kind:
                return events
    raise AssertionError(f"no {kind} in {[event.type for event in events]}")


async def speak(connection, samples):
    """Send sound in pieces of 100 ms, faster than real time."""
    for start in range(0, len(samples), RATE // 10):
        piece = base64.b64encode(float_to_pcm16(samples[start : start + RATE // 10])).decode()
        await connection.input_audio_buffer.append(audio=piece)


def sound_in(events):
    """The bytes of a reply."""
    return b"".join(base64.b64decode(event.delta) for event in of(events, "response.output_audio.delta"))


def of(events, kind):
    return [event for event in events if event.type == kind]


def test_a_spoken_question_gets_its_transcript_and_a_spoken_answer(streams, voice):
    question = "What is the capital of France?"

    async def talk():
        async with connected(
            streams, audio={"input": {"transcription": {"model": "embedded"}}}
        ) as connection:
            await speak(connection, np.concatenate([SILENCE, voice(question), SILENCE]))
            return await until(connection, "response.done")

    events = asyncio.run(talk())
    kinds = [event.type for event in events]
    order = (
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.done",
    )
    assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)
    (heard,) = of(events, "conversation.item.input_audio_transcription.completed")
    assert word_errors([question], [heard.transcript]).errors == 0
    done = events[-1].response
    assert done.status == "completed"
    assert "Paris" in done.output[0].content[0].transcript

    sound = resample(pcm16_to_float(sound_in(events)), RATE, 16_000)
    spoken = streams.backend.recognizer.transcribe(sound).text
    assert word_errors(done.output[0].content[0].transcript, spoken).rate <= 0.2


@pytest.mark.parametrize("telephone", [PCMU, PCMA], ids=lambda each: each.type)
def test_a_telephone_call_is_heard_and_answered_in_its_own_format(streams, voice, telephone):
    question = "What is the capital of France?"
    audio = {
        "input": {"format": {"type": telephone.type}, "transcription": {"model": "embedded"}},
        "output": {"format": {"type": telephone.type}},
    }

    async def talk():
        async with connected(streams, audio=audio) as connection:
            sound = resample(np.concatenate([SILENCE, voice(question), SILENCE]), RATE, telephone.rate)
            for start in range(0, len(sound), telephone.rate // 50):  # as telephones send it, 20 ms each
                data = telephone.encode(sound[start : start + telephone.rate // 50])
                await connection.input_audio_buffer.append(audio=base64.b64encode(data).decode())
            events = await until(connection, "response.done")
            # As the client counts it all of the reply was heard, and no half second more than there was.
            length_ms = -(-len(sound_in(events)) * 1_000 // telephone.rate)
            truncate = partial(connection.conversation.item.truncate, content_index=0)
            reply = events[-1].response.output[0].id
            await truncate(item_id=reply, audio_end_ms=length_ms)
            await until(connection, "conversation.item.truncated")
            await truncate(item_id=reply, audio_end_ms=length_ms + 500)
            assert (await until(connection, "error"))[-1].error.param == "audio_end_ms"
            return events

    events = asyncio.run(talk())
    (heard,) = of(events, "conversation.item.input_audio_transcription.completed")
    assert word_errors([question], [heard.transcript]).errors == 0
    done = events[-1].response
    assert done.audio.output.format.type == telephone.type
    spoken = telephone.decode(sound_in(events))
    recognised = streams.backend.recognizer.transcribe(resample(spoken, telephone.rate, 16_000)).text
    assert "Paris" in recognised
    assert word_errors(done.output[0].content[0].transcript, recognised).rate <= 0.2


def test_a_picture_given_to_the_conversation_is_named(streams, photograph):
    async def ask():
        async with connected(streams, output_modalities=["text"]) as connection:
            url = f"data:image/png;base64,{photograph('coffee.png')}"
            content = [
                {"type": "input_image", "image_url": url},
                {"type": "input_text", "text": "What do you see now?"},
            ]
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await connection.response.create()
            return await until(connection, "response.done")

    answer = asyncio.run(ask())[-1].response
    assert answer.status == "completed"
    text = answer.output[0].content[0].text.lower()
    assert "coffee" in text or "espresso" in text


def test_speech_interrupts_an_answer_and_nothing_is_sent_after(streams, voice):
    async def talk():
        async with connected(
            streams, audio={"input": {"transcription": {"model": "embedded"}}}
        ) as connection:
            await speak(connection, np.concatenate([voice("Tell me a long story about a king."), SILENCE]))
            events = await until(connection, "response.output_audio.delta")
            await speak(connection, np.concatenate([voice("Wait, what is two plus two?"), SILENCE]))
            events += await until(connection, "response.done")
            events += await until(connection, "response.done")
            return events

    events = asyncio.run(talk())
    first, second = of(events, "response.done")
    assert first.response.status == "cancelled"
    assert first.response.status_details.reason == "turn_detected"
    assert second.response.status in ("completed", "incomplete")
    ended = events.index(first)
    late = [event for event in events[ended:] if getattr(event, "response_id", None) == first.response.id]
    assert late == []


def test_cancelling_stops_and_the_session_goes_on(streams):
    async def talk():
        async with connected(streams, output_modalities=["text"]) as connection:

            async def ask(text):
                content = [{"type": "input_text", "text": text}]
                await connection.conversation.item.create(
                    item={"type": "message", "role": "user", "content": content}
                )
                await connection.response.create()

            await ask("Count from one to one hundred.")
            await until(connection, "response.output_text.delta")
            await connection.response.cancel()
            cancelled = (await until(connection, "response.done"))[-1].response
            await ask("What is the capital of France?")
            answered = (await until(connection, "response.done"))[-1].response
            return cancelled, answered

    cancelled, answered = asyncio.run(talk())
    assert cancelled.status == "cancelled"
    assert cancelled.status_details.reason == "client_cancelled"
    assert answered.status == "completed"
    assert "Paris" in answered.output[0].content[0].text


def test_items_are_truncated_retrieved_and_deleted(streams):
    async def talk():
        async with connected(streams, max_output_tokens=24) as connection:
            item = {"type": "message", "role": "user"}
            item["content"] = [{"type": "input_text", "text": "Tell me about cats."}]
            await connection.conversation.item.create(item=item)
            await connection.response.create()
            (reply,) = (await until(connection, "response.done"))[-1].response.output
            await connection.conversation.item.truncate(item_id=reply.id, content_index=0, audio_end_ms=400)
            truncated = (await until(connection, "conversation.item.truncated"))[-1]
            assert (truncated.item_id, truncated.audio_end_ms) == (reply.id, 400)
            await connection.conversation.item.retrieve(item_id=reply.id)
            found = (await until(connection, "conversation.item.retrieved"))[-1].item
            assert len(found.content[0].transcript) < len(reply.content[0].transcript)
            await connection.conversation.item.truncate(
                item_id=reply.id, content_index=0, audio_end_ms=3_600_000
            )
            assert (await until(connection, "error"))[-1].error.param == "audio_end_ms"
            await connection.conversation.item.delete(item_id=reply.id)
            assert (await until(connection, "conversation.item.deleted"))[-1].item_id == reply.id
            await connection.conversation.item.retrieve(item_id=reply.id)
            error = (await until(connection, "error"))[-1].error
            assert (error.code, error.param) == ("item_not_found", "item_id")

    asyncio.run(talk())


def test_errors_name_the_field_and_the_session_goes_on(streams):
    async def talk():
        async with connected(streams) as connection:
            errors = []
            for event in (
                {"type": "input_audio_buffer.append", "audio": "not base64!"},
                {"type": "no.such.event"},
                {"type": "input_audio_buffer.commit"},
                {"type": "response.cancel"},
                {"type": "input_video_buffer.append", "image": base64.b64encode(b"no picture").decode()},
                {"type": "session.update", "session": {"type": "realtime", "colour": "red"}},
                {"type": "conversation.item.create", "item": {"type": "message", "role": "user"}},
                {
                    "type": "session.update",
                    "session": {"type": "realtime", "audio": {"output": {"voice": "nobody"}}},
                },
            ):
                await connection.send(event)
                errors.append((await until(connection, "error"))[-1].error)
            await connection.send({"type": "response.create", "response": {"output_modalities": ["text"]}})
            return errors, (await until(connection, "response.done"))[-1].response

    errors, response = asyncio.run(talk())
    params = [error.param for error in errors]
    assert params == [
        "audio",
        "type",
        None,
        None,
        "image",
        "session.colour",
        "item.content",
        "session.audio.output.voice",
    ]
    assert errors[2].code == "input_audio_buffer_commit_empty"
    assert errors[3].code == "response_cancel_not_active"
    assert response.status in ("completed", "incomplete")


def test_two_sessions_see_and_remember_apart(streams, photograph):
    async def look(name, barrier):
        async with connected(streams, output_modalities=["text"]) as connection:
            await connection.send(
                {
                    "type": "session.update",
                    "session": {"type": "realtime", "streams": {"events": ["input_video_buffer.seen"]}},
                }
            )
            await connection.send({"type": "input_video_buffer.append", "image": photograph(name)})
            seen = (await until(connection, "input_video_buffer.seen"))[-1].text
            await barrier.wait()
            content = [{"type": "input_text", "text": "What do you see now?"}]
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await connection.response.create()
            done = (await until(connection, "response.done"))[-1].response
            return seen, done.output[0].content[0].text.lower()

    async def both():
        barrier = asyncio.Barrier(2)
        return await asyncio.gather(look("coffee.png", barrier), look("chelsea.png", barrier))

    (seen_coffee, coffee), (seen_cat, cat) = asyncio.run(both())
    assert seen_coffee == "espresso coffee"
    assert seen_cat.endswith("cat")
    assert "cat" not in coffee
    assert "coffee" not in cat


def test_the_server_ends_cleanly_with_sessions_open(streams):
    async def end():
        async with new_server(streams) as server:
            client = AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.port}/v1")
            manager = client.realtime.connect(model="streams")
            connection = await manager.__aenter__()
            await connection.recv()
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd.code == CloseCode.GOING_AWAY

    asyncio.run(asyncio.wait_for(end(), TIMEOUT_S))
