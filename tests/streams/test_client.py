import asyncio
import base64
import json

import numpy as np
import pytest
import websockets
from websockets.asyncio.server import serve

from gateway.wire.binary import BinaryKind, parse_binary
from speech.audio import pcm16_to_float
from streams.client import RealtimeClient, audio_of

TIMEOUT_S = 20


def talk(handler, conversation, answers):
    """Runs ``conversation`` with a client of a server that does as ``handler`` says; its ``answers``."""
    events = []

    async def scenario():
        complete = asyncio.Event()

        def take(event):
            events.append(event)
            if len(events) == answers:
                complete.set()

        async with serve(handler, "127.0.0.1", 0, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            async with RealtimeClient(f"ws://127.0.0.1:{port}/v1/realtime", take) as client:
                await conversation(client)
                await complete.wait()

    asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_S))
    return events


def test_what_is_sent_arrives_as_the_dialect_has_it():
    samples = np.array([0, 0.5, -0.5, -1], np.float32)

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async def conversation(client):
        await client.send("session.update", session={"type": "realtime"})
        await client.append_audio(samples)
        await client.append_frame(b"\xff\xd8 a picture", 1_500)

    update, audio, frame = talk(echo, conversation, 3)
    assert update == {"type": "session.update", "session": {"type": "realtime"}}
    assert audio["type"] == "input_audio_buffer.append"
    np.testing.assert_array_equal(pcm16_to_float(base64.b64decode(audio["audio"])), samples)
    assert (frame["type"], frame["timestamp_ms"]) == ("input_video_buffer.append", 1_500)
    assert base64.b64decode(frame["image"]) == b"\xff\xd8 a picture"


def test_what_is_sent_in_binary_says_the_same():
    samples = np.array([0, 0.5, -0.5, -1], np.float32)

    async def tell_what_came(socket):
        async for message in socket:
            append = parse_binary(message)
            told = {"kind": append.kind, "data": append.data.hex(), "timestamp_us": append.timestamp_us}
            await socket.send(json.dumps(told))

    async def conversation(client):
        await client.append_audio(samples, binary=True)
        await client.append_frame(b"\xff\xd8 a picture", 1_500, binary=True)

    audio, frame = talk(tell_what_came, conversation, 2)
    assert (audio["kind"], audio["timestamp_us"]) == (BinaryKind.AUDIO, None)
    np.testing.assert_array_equal(pcm16_to_float(bytes.fromhex(audio["data"])), samples)
    assert (frame["kind"], frame["timestamp_us"]) == (BinaryKind.IMAGE, 1_500_000)
    assert bytes.fromhex(frame["data"]) == b"\xff\xd8 a picture"


def test_every_event_is_handed_on_in_order_also_large_ones():
    sent = [{"type": "e", "number": number, "delta": "x" * 3_000_000} for number in range(3)]

    async def tell(socket):
        for event in sent:
            await socket.send(json.dumps(event))
        await socket.wait_closed()

    async def conversation(client):
        await asyncio.sleep(0)

    assert talk(tell, conversation, len(sent)) == sent


def test_sound_in_an_event_is_decoded():
    delta = base64.b64encode(np.array([16_384, -32_768], "<i2").tobytes()).decode()
    np.testing.assert_array_equal(audio_of({"delta": delta}), np.array([0.5, -1], np.float32))


def test_no_server_is_an_error_when_connecting():
    async def connect():
        async with RealtimeClient("ws://127.0.0.1:9/v1/realtime", print):
            pytest.fail("connected to nothing")

    with pytest.raises((OSError, websockets.exceptions.WebSocketException)):
        asyncio.run(asyncio.wait_for(connect(), TIMEOUT_S))


@pytest.mark.parametrize(("key", "header"), [(None, None), ("secret", "Bearer secret")])
def test_a_key_goes_along_where_one_is_given(key, header):
    async def tell(socket):
        await socket.send(json.dumps({"type": "e", "key": socket.request.headers.get("Authorization")}))
        await socket.wait_closed()

    async def ask():
        told = asyncio.get_running_loop().create_future()
        async with serve(tell, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with RealtimeClient(url, told.set_result, key=key):
                return await told

    assert asyncio.run(asyncio.wait_for(ask(), TIMEOUT_S)) == {"type": "e", "key": header}
