"""Sessions whose sockets drop, on real sockets, with scripted sessions behind them."""

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.server.attempts import Attempts
from gateway.server.server import GatewayServer
from streams.config import ServerConfig, VideoConfig
from streams.errors import ModelError
from streams.events import ItemDeleted

MINUTE_S = 60
MOMENT_S = 0.01


def serving(sessions, **config):
    return GatewayServer(ServerConfig(port=0, **config), VideoConfig(), sessions)


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, MINUTE_S))


class Client:
    """A client that comes back: it has one socket after another, and knows what it saw last."""

    def __init__(self, server):
        self._url = server.url
        self.socket = None
        self.token = None
        self.seen = []

    async def open(self, query="", **streams):
        """A new session, which ``streams`` is asked of; resumable unless told otherwise."""
        self.socket = await connect(f"{self._url}?{query}", compression=None)
        await self.receive()
        session = {"type": "realtime", "streams": {"resume": True, **streams}}
        await self.send("session.update", session=session)
        return await self.receive()

    async def resume(self, token=None, after=None):
        """Come back on a new socket: the first event there."""
        self.socket = await connect(f"{self._url}?resume=1", compression=None)
        await self.send("session.resume", token=token or self.token, after=after or self.seen[-1]["event_id"])
        return await self.receive()

    async def send(self, kind, **fields):
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def receive(self):
        event = json.loads(await self.socket.recv())
        resume = event.get("session", {}).get("streams", {}).get("resume", {})
        self.token = resume.get("token", self.token)
        self.seen.append(event)
        return event

    async def settled(self):
        """The types of what came until the echo of an update."""
        await self.send("session.update", session={"type": "realtime"})
        types = []
        while (event := await self.receive())["type"] != "session.updated":
            types.append(event["type"])
        return types

    def drop(self):
        """Lose the socket without a word."""
        self.socket.transport.abort()

    async def closed(self):
        """The code and the reason that the server closed the socket with."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.receive()
        return self.socket.close_code, self.socket.close_reason


@contextlib.asynccontextmanager
async def visiting(server, query="", **streams):
    client = Client(server)
    await client.open(query, **streams)
    yield client
    await client.socket.close()


async def noticed(server):
    """The server knows that no client is connected."""
    while server._running:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)


def test_what_happened_while_the_client_was_away_is_told_when_it_is_back(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            live = sessions.live[0]
            live.emit(ItemDeleted("seen"))
            await client.receive()
            live.emit(ItemDeleted("on its way"))
            client.drop()
            await noticed(server)
            live.emit(ItemDeleted("away"))
            token = client.token
            resumed = await client.resume()
            assert resumed["type"] == "session.resumed"
            assert resumed["session"]["id"] == live.id
            assert resumed["received"] == 1
            assert client.token != token
            assert [(await client.receive())["item_id"] for _ in range(2)] == ["on its way", "away"]
            live.emit(ItemDeleted("back"))
            assert (await client.receive())["item_id"] == "back"
            assert not live.closed.is_set()

    run(scenario())


def test_a_token_that_was_used_is_void_once_the_new_one_is_in_use(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            first = client.token
            client.drop()
            await client.resume()
            client.drop()  # before it could say that it has the new token
            await client.resume(token=first)
            await client.settled()
            thief = Client(server)
            thief.seen = client.seen[:1]
            error = (await thief.resume(token=first))["error"]
            assert (error["code"], error["param"]) == ("resume_failed", "token")
            assert await thief.closed() == (1008, "no session could be opened")
            assert await client.settled() == []

    run(scenario())


@pytest.mark.parametrize("token", ["nonsense", "no.such"])
def test_a_wrong_token_is_refused(sessions, token):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            error = (await client.resume(token=token))["error"]
            assert error["code"] == "resume_failed"
            error = (await client.resume(token=client.token.partition(".")[0] + ".guess"))["error"]
            assert error["code"] == "resume_failed"

    run(scenario())


def test_who_guesses_tokens_is_not_heard_for_a_while(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            server._sessions._attempts = Attempts(limit=2)
            right = client.token
            for _ in range(2):
                assert (await client.resume(token="guess"))["error"]["code"] == "resume_failed"
            error = (await client.resume(token=right))["error"]
            assert error["code"] == "rate_limit_exceeded"
            assert (await client.closed())[0] == 1013

    run(scenario())


def test_after_the_grace_the_session_is_over(sessions):
    async def scenario():
        async with serving(sessions, resume_grace_s=MOMENT_S) as server, visiting(server) as client:
            client.drop()
            await sessions.live[0].closed.wait()
            assert (await client.resume())["error"]["code"] == "resume_failed"
            assert len(server._sessions) == 0

    run(scenario())


def test_who_comes_back_in_time_is_not_ended_by_the_grace_of_before(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            client.drop()
            await noticed(server)
            (timer,) = server._sessions._waiting.values()
            await client.resume()
            assert timer.cancelled()

    run(scenario())


def test_a_socket_that_only_seems_alive_is_taken_over(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            old = Client(server)
            old.socket = client.socket
            assert (await client.resume())["type"] == "session.resumed"
            assert await old.closed() == (4001, "the session was resumed on another socket")
            assert await client.settled() == []
            assert len(server._sessions) == 1

    run(scenario())


@pytest.mark.parametrize("resume", [False, None])
def test_who_did_not_ask_to_come_back_does_not(sessions, resume):
    async def scenario():
        async with serving(sessions) as server, visiting(server, resume=resume) as client:
            client.drop()
            await sessions.live[0].closed.wait()

    run(scenario())


@pytest.mark.parametrize("code", [1000, 1001])
def test_who_says_goodbye_does_not_come_back(sessions, code):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            await client.socket.close(code)
            await sessions.live[0].closed.wait()

    run(scenario())


def test_who_closes_for_another_reason_may_come_back(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            await client.socket.close(4000, "no network")
            assert (await client.resume())["type"] == "session.resumed"

    run(scenario())


def test_a_client_that_did_not_read_may_come_back_for_all_of_it(sessions):
    async def scenario():
        server = GatewayServer(ServerConfig(port=0), VideoConfig(), sessions, outbox_bytes=2_000)
        async with server, visiting(server) as client:
            names = ["x" * 5_000, "y" * 5_000]
            for name in names:
                sessions.live[0].emit(ItemDeleted(name))
            assert (await client.closed())[0] == 1013
            client.seen = client.seen[:2]
            server._outbox_bytes = 20_000
            assert (await client.resume())["type"] == "session.resumed"
            assert [(await client.receive())["item_id"] for _ in names] == names

    run(scenario())


def test_a_session_that_waits_takes_a_place_and_its_client_needs_none(sessions):
    async def scenario():
        async with serving(sessions, max_sessions=1) as server, visiting(server) as client:
            client.drop()
            await noticed(server)
            with pytest.raises(InvalidStatus) as caught:
                await connect(server.url)
            assert caught.value.response.status_code == 503
            assert (await client.resume())["type"] == "session.resumed"

    run(scenario())


def test_sockets_that_say_they_come_back_are_not_endless(sessions):
    async def scenario():
        async with serving(sessions, max_sessions=1) as server:
            async with connect(f"{server.url}?resume=1"), connect(f"{server.url}?resume=1"):
                with pytest.raises(InvalidStatus) as caught:
                    await connect(f"{server.url}?resume=1")
                assert caught.value.response.status_code == 503
            await noticed(server)
            async with visiting(server):
                pass

    run(scenario())


@pytest.mark.parametrize(("query", "param"), [("resume=yes", "resume"), ("resume=1&session=a", "session")])
def test_coming_back_is_asked_for_in_one_way(sessions, query, param):
    async def scenario():
        async with serving(sessions) as server:
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"{server.url}?{query}")
            assert caught.value.response.status_code == 400
            assert json.loads(caught.value.response.body)["error"]["param"] == param

    run(scenario())


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ('{"type": "session.update", "session": {"type": "realtime"}}', "type"),
        (b"\x01" + bytes(16), "type"),
        ('{"type": "session.resume", "token": "x"}', "after"),
        ("{", None),
    ],
)
def test_who_comes_back_says_first_to_what(sessions, message, param):
    async def scenario():
        async with serving(sessions) as server, connect(f"{server.url}?resume=1") as socket:
            await socket.send(message)
            assert json.loads(await socket.recv())["error"]["param"] == param
            await socket.wait_closed()
            assert socket.close_code == 1008

    run(scenario())


def test_who_comes_back_says_so_soon(sessions, monkeypatch):
    async def scenario():
        monkeypatch.setattr("gateway.server.connection.RESUME_WITHIN_S", MOMENT_S)
        async with serving(sessions) as server, connect(f"{server.url}?resume=1") as socket:
            assert "within" in json.loads(await socket.recv())["error"]["message"]

    run(scenario())


def test_an_open_session_is_not_resumed_on_its_own_socket(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            await client.send("session.resume", token=client.token, after=client.seen[-1]["event_id"])
            error = (await client.receive())["error"]
            assert error["param"] == "type"
            assert "?resume=1" in error["message"]

    run(scenario())


def test_who_opens_a_session_by_its_name_has_it_though_it_waits_for_another(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server, "session=sess_scripted") as client:
            client.drop()
            await noticed(server)
            async with visiting(server, "session=sess_scripted"):
                assert sessions.live[0].closed.is_set()
                assert not sessions.live[1].closed.is_set()
            assert (await client.resume())["error"]["code"] == "resume_failed"

    run(scenario())


def test_sessions_that_wait_end_with_the_server(sessions):
    async def scenario():
        async with serving(sessions) as server, visiting(server) as client:
            client.drop()
            await noticed(server)
        assert sessions.live[0].closed.is_set()

    run(scenario())


def test_one_that_cannot_end_is_cancelled_with_the_server(sessions, monkeypatch):
    async def scenario():
        monkeypatch.setattr("gateway.server.server.SHUTDOWN_S", MOMENT_S)
        cancelled = asyncio.Event()

        async def never():
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        async with serving(sessions) as server, visiting(server) as client:
            sessions.live[0].close = never
            client.drop()
            await noticed(server)
        assert cancelled.is_set()

    run(scenario())


def test_a_session_that_fails_to_close_gives_up_its_place(sessions):
    async def scenario():
        async def fail():
            raise ModelError("no disk")

        async with serving(sessions) as server, visiting(server) as client:
            sessions.live[0].close = fail
            await client.socket.close()
            await noticed(server)
            assert len(server._sessions) == 0

    run(scenario())
