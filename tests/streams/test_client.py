import asyncio
import base64
import json

import numpy as np
import pytest
import websockets
from websockets.asyncio.server import serve

from speech.audio import pcm16_to_float
from streams.client import RealtimeClient, audio_of

TIMEOUT_S = 20


def talk(handler, conversation):
    """Runs ``conversation`` with a client of a server that does as ``handler`` says; the events it got."""
    events = []

    async def scenario():
        async with serve(handler, "127.0.0.1", 0, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            async with RealtimeClient(f"ws://127.0.0.1:{port}/v1/realtime", events.append) as client:
                await conversation(client)

    asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_S))
    return events


def test_what_is_sent_arrives_as_the_dialect_has_it():
    got = []
    samples = np.array([0, 0.5, -0.5, -1], np.float32)

    async def handler(socket):
        async for message in socket:
            got.append(json.loads(message))
            await socket.send(json.dumps({"type": "ack"}))

    async def conversation(client):
        await client.send("session.update", session={"type": "realtime"})
        await client.append_audio(samples)
        await client.append_frame(b"\xff\xd8 a picture", 1_500)

    talk(handler, conversation)
    update, audio, frame = got
    assert update == {"type": "session.update", "session": {"type": "realtime"}}
    assert audio["type"] == "input_audio_buffer.append"
    np.testing.assert_array_equal(pcm16_to_float(base64.b64decode(audio["audio"])), samples)
    assert (frame["type"], frame["timestamp_ms"]) == ("input_video_buffer.append", 1_500)
    assert base64.b64decode(frame["image"]) == b"\xff\xd8 a picture"


def test_every_event_is_handed_on_in_order_also_large_ones_and_until_the_end():
    sent = [{"type": "e", "number": number, "delta": "x" * 3_000_000} for number in range(3)]

    async def handler(socket):
        for event in sent:
            await socket.send(json.dumps(event))

    async def conversation(client):
        await asyncio.sleep(0)

    assert talk(handler, conversation) == sent


def test_sound_in_an_event_is_decoded():
    delta = base64.b64encode(np.array([16_384, -32_768], "<i2").tobytes()).decode()
    np.testing.assert_array_equal(audio_of({"delta": delta}), np.array([0.5, -1], np.float32))


def test_no_server_is_an_error_when_connecting():
    async def connect():
        async with RealtimeClient("ws://127.0.0.1:9/v1/realtime", print):
            pytest.fail("connected to nothing")

    with pytest.raises((OSError, websockets.exceptions.WebSocketException)):
        asyncio.run(asyncio.wait_for(connect(), TIMEOUT_S))
