import asyncio
import base64
import json
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import websockets
from websockets.asyncio.server import serve

from gateway.wire.binary import BinaryKind, parse_binary
from speech.audio import pcm16_to_float
from streams.client import RealtimeClient, audio_of
from streams.errors import StreamsError

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


class Resumable:
    """A server that grants a token, cuts its sockets when told, and lets its client come back."""

    def __init__(self, *, received=None, grace_s=30.0):
        """``received`` is how many messages it says had arrived; all that were read when None."""
        self.url = ""
        self.socket = None
        self.came = []
        self.requests = []
        self.busy = 0
        self.refusal = None
        self._claims = received
        self._grace_s = grace_s
        self._events = 0
        self._changed = asyncio.Condition()

    async def __aenter__(self):
        self._server = await serve(self._serve, "127.0.0.1", 0, process_request=self._admit)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1/realtime"
        return self

    async def __aexit__(self, *error):
        self._server.close()

    def _admit(self, socket, request):
        if self.busy and "resume" in request.path:
            self.busy -= 1
            return socket.respond(503, "later")
        return None

    async def _serve(self, socket):
        self.socket = socket
        if parse_qs(urlsplit(socket.request.path).query).get("resume") == ["1"]:
            self.requests.append(json.loads(await socket.recv()))
            if self.refusal:
                await self.tell("error", error={"code": self.refusal, "message": "no"})
                await socket.close(1008 if self.refusal == "resume_failed" else 1013)
                return
            received = len(self.came) if self._claims is None else self._claims
            await self.tell("session.resumed", received=received, session=self._granted())
            del self.came[received:]
        else:
            await self.tell("session.created", session={"id": "s"})
        async for message in socket:
            self.came.append(message)
            if len(self.came) == 1:
                await self.tell("session.updated", session=self._granted())
            async with self._changed:
                self._changed.notify_all()

    def _granted(self):
        resume = {"token": f"token_{len(self.requests)}", "grace_s": self._grace_s}
        return {"id": "s", "streams": {"events": [], "resume": resume}}

    async def tell(self, kind, **fields):
        self._events += 1
        event = {"type": kind, "event_id": f"event_{self._events}", **fields}
        await self.socket.send(json.dumps(event))

    async def has(self, count):
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.came) >= count)

    @property
    def types(self):
        return [json.loads(message)["type"] for message in self.came]

    def cut(self):
        self.socket.transport.abort()


class Events:
    """What a client is told, to be waited for."""

    def __init__(self):
        self.types = []
        self._waiting = {}

    def __call__(self, event):
        self.types.append(event["type"])
        if event["type"] in self._waiting:
            self._waiting[event["type"]].set()

    async def until(self, kind):
        self._waiting[kind] = asyncio.Event()
        if kind not in self.types:
            await self._waiting[kind].wait()


@pytest.fixture
def resuming(monkeypatch):
    """Runs a scenario with a server and a client that comes back to it, and at once."""
    monkeypatch.setattr("streams.client.FIRST_RETRY_S", 0.0)

    def run(scenario, **options):
        async def whole():
            events = Events()
            async with (
                Resumable(**options) as server,
                RealtimeClient(server.url, events, resume=True) as client,
            ):
                await events.until("session.updated")
                await scenario(server, client, events)

        asyncio.run(asyncio.wait_for(whole(), TIMEOUT_S))

    return run


async def lost(client):
    """What sending raises once the session is lost."""
    try:
        while True:
            await client.send("more")
            await asyncio.sleep(0)
    except StreamsError as error:
        return error


async def noticed(client):
    """The client knows that its socket has dropped."""
    while client._socket is not None:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)


def test_after_a_drop_it_comes_back_with_its_token_and_the_last_event(resuming):
    async def scenario(server, client, events):
        await server.tell("told")
        await events.until("told")
        server.cut()
        await events.until("session.resumed")
        await server.tell("missed")
        await events.until("missed")
        server.cut()
        await server.has(1)
        while len(server.requests) < 2:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        assert server.requests == [
            {"type": "session.resume", "token": "token_0", "after": "event_3"},
            {"type": "session.resume", "token": "token_1", "after": "event_5"},
        ]

    resuming(scenario)


def test_what_did_not_arrive_is_sent_again_and_nothing_twice(resuming):
    async def scenario(server, client, events):
        for kind in ("first", "second", "third"):
            await client.send(kind)
        await server.has(4)
        server.cut()
        await events.until("session.resumed")
        await client.send("fourth")
        await server.has(5)
        assert server.types == ["session.update", "first", "second", "third", "fourth"]

    resuming(scenario, received=2)


def test_what_is_sent_while_it_is_away_is_sent_when_it_is_back(resuming):
    async def scenario(server, client, events):
        server.busy = 3
        server.cut()
        await server.socket.wait_closed()
        for number in range(5):
            await client.send(f"word {number}")
        await server.has(6)
        assert server.types[1:] == [f"word {number}" for number in range(5)]
        assert server.busy == 0

    resuming(scenario)


def test_where_too_much_waits_the_sender_waits(resuming, monkeypatch):
    async def scenario(server, client, events):
        server.busy = 10**9
        server.cut()
        await noticed(client)
        await client.send("large", text="x" * 300)
        sending = asyncio.create_task(client.send("larger", text="x" * 400))
        await asyncio.sleep(0)
        assert not sending.done()
        server.busy = 0
        await sending
        await server.has(3)
        assert server.types[1:] == ["large", "larger"]

    monkeypatch.setattr("streams.client.KEPT_BYTES", 500)
    resuming(scenario)


@pytest.mark.parametrize("code", [1001, 4001, 4002, 4003])
def test_it_does_not_come_back_to_what_is_over(resuming, code):
    async def scenario(server, client, events):
        await server.socket.close(code, "that was it")
        error = await lost(client)
        assert (error.code, "that was it" in error.message) == ("connection_lost", True)
        assert server.requests == []

    resuming(scenario)


def test_a_session_that_is_gone_is_lost(resuming):
    async def scenario(server, client, events):
        server.refusal = "resume_failed"
        server.cut()
        assert (await lost(client)).code == "connection_lost"
        assert events.types[-1] == "error"
        assert len(server.requests) == 1

    resuming(scenario)


def test_whatever_else_refuses_it_it_tries_again(resuming):
    async def scenario(server, client, events):
        server.refusal = "rate_limit_exceeded"
        server.cut()
        await events.until("error")
        server.refusal = None
        await events.until("session.resumed")
        assert {request["after"] for request in server.requests} == {"event_2"}

    resuming(scenario)


def test_it_gives_up_after_the_grace(resuming):
    async def scenario(server, client, events):
        server.busy = 10**9
        server.cut()
        assert "in time" in (await lost(client)).message

    resuming(scenario, grace_s=0.05)


def test_it_can_be_left_while_it_is_away(resuming):
    async def scenario(server, client, events):
        server.busy = 10**9
        server.cut()
        await noticed(client)

    resuming(scenario)


def test_where_the_server_lets_nobody_come_back_it_serves_until_the_socket_drops():
    types = []

    async def refuse(socket):
        await socket.recv()
        error = {"code": "unsupported_value", "message": "no", "event_id": None}
        await socket.send(json.dumps({"type": "error", "event_id": "event_1", "error": error}))
        await socket.recv()
        socket.transport.abort()

    async def scenario():
        async with serve(refuse, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with RealtimeClient(url, lambda event: types.append(event["type"]), resume=True) as client:
                assert types == ["error"]
                assert (await lost(client)).code == "connection_lost"

    asyncio.run(asyncio.wait_for(scenario(), TIMEOUT_S))
