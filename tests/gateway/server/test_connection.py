"""How a connection ends when it is not its client that ends it, on real sockets."""

import asyncio
import contextlib
import json
import math
import time

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.server.server import GatewayServer
from streams.clock import ReplayClock
from streams.config import ServerConfig, VideoConfig
from streams.conversation import SessionOptions
from streams.events import ResponseCreated, ResponseDone, StageTimes
from streams.types import US_PER_S

MINUTE_S = 60
CREATED = ResponseCreated("resp_1", SessionOptions(), False)
DONE = ResponseDone("resp_1", "completed", None, None, SessionOptions(), False, 1, 1, 1, StageTimes())


def serving(sessions, **config):
    return GatewayServer(ServerConfig(port=0, **config), VideoConfig(), sessions)


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, MINUTE_S))


@pytest.fixture
def clock(monkeypatch):
    """The clock of every session's limits."""
    clock = ReplayClock()
    monkeypatch.setattr("gateway.server.session_table.WallClock", lambda: clock)
    return clock


@contextlib.asynccontextmanager
async def subscribed(server, **streams):
    """A client that wants to be told of its session's end; ``created`` is the first it was told."""
    async with connect(server.url) as client:
        client.created = json.loads(await client.recv())
        await settled(client, streams={"events": ["session.ending"], **streams})
        yield client


async def settled(client, **session):
    await client.send(json.dumps({"type": "session.update", "session": {"type": "realtime", **session}}))
    assert json.loads(await client.recv())["type"] == "session.updated"


async def rest(client):
    """What came until the server closed, without ids; then the code and the reason of that."""
    events = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            event = json.loads(await client.recv())
            events.append({key: value for key, value in event.items() if key != "event_id"})
    return events, client.close_code, client.close_reason


@pytest.mark.parametrize("streams", [{}, {"resume": True}])
def test_a_session_that_has_lasted_long_enough_ends(sessions, clock, streams):
    async def scenario():
        before_s = time.time()
        async with serving(sessions, max_session_s=100) as server, subscribed(server, **streams) as client:
            opened_s = client.created["session"]["expires_at"] - 100
            assert math.floor(before_s) <= opened_s <= math.ceil(time.time())
            clock.advance_to(70 * US_PER_S)
            ending = json.loads(await client.recv())
            assert (ending["type"], ending["reason"], ending["in_ms"]) == ("session.ending", "total", 30_000)
            clock.advance_to(100 * US_PER_S)
            (error,), code, reason = await rest(client)
            assert error["error"]["code"] == "session_expired"
            assert (code, reason) == (4003, "the session has lasted 100 s, the longest it may")
            await sessions.live[0].closed.wait()

    run(scenario())


def test_a_session_that_waits_does_not_outlast_its_limit(sessions, clock):
    async def scenario():
        async with serving(sessions, max_session_s=100, resume_grace_s=3_600) as server:
            async with subscribed(server, resume=True) as client:
                clock.advance_to(100 * US_PER_S - 10_000)
                client.transport.abort()
            await sessions.live[0].closed.wait()

    run(scenario())


def test_a_client_that_says_nothing_is_taken_to_have_left(sessions, clock):
    async def scenario():
        async with serving(sessions, idle_timeout_s=40) as server, subscribed(server) as client:
            assert client.created["session"]["expires_at"] is None
            clock.advance_to(19 * US_PER_S)
            await settled(client)
            clock.advance_to(39 * US_PER_S)
            assert json.loads(await client.recv())["in_ms"] == 20_000
            clock.advance_to(59 * US_PER_S)
            (error,), code, reason = await rest(client)
            assert error["error"]["code"] == "session_idle"
            assert (code, reason) == (4002, "nothing came from the client for 40 s")

    run(scenario())


def test_who_is_being_answered_is_not_idle(sessions, clock):
    async def scenario():
        async with serving(sessions, idle_timeout_s=40) as server, subscribed(server) as client:
            sessions.live[0].emit(CREATED)
            await client.recv()
            clock.advance_to(100 * US_PER_S)
            await asyncio.sleep(0)
            sessions.live[0].emit(DONE)
            assert json.loads(await client.recv())["type"] == "response.done"
            clock.advance_to(140 * US_PER_S)
            assert (await rest(client))[1] == 4002

    run(scenario())


def test_at_a_farewell_answers_finish_and_nobody_new_is_taken_in(sessions):
    async def scenario():
        async with serving(sessions, farewell_s=MINUTE_S) as server, subscribed(server) as client:
            sessions.live[0].emit(CREATED)
            await client.recv()
            async with subscribed(server) as idle:
                farewell = asyncio.create_task(server.say_farewell())
                (ending,), code, reason = await rest(idle)
                assert ending == {"type": "session.ending", "reason": "shutdown", "in_ms": 60_000}
                assert (code, reason) == (1001, "the server is shutting down")
            with pytest.raises(InvalidStatus) as caught:
                await connect(server.url)
            assert caught.value.response.status_code == 503
            assert json.loads(await client.recv())["type"] == "session.ending"
            await settled(client)
            assert not farewell.done()
            sessions.live[0].emit(DONE)
            (done,), code, _ = await rest(client)
            assert (done["type"], code) == ("response.done", 1001)
            await farewell
        assert all(live.closed.is_set() for live in sessions.live)

    run(scenario())


def test_a_farewell_does_not_last_for_ever(sessions):
    async def scenario():
        async with serving(sessions, farewell_s=0.01) as server, subscribed(server) as client:
            sessions.live[0].emit(CREATED)
            await client.recv()
            await server.say_farewell()
            assert (await rest(client))[1] == 1001

    run(scenario())


def test_sessions_that_wait_for_their_clients_do_not_delay_a_farewell(sessions):
    async def scenario():
        async with serving(sessions) as server:
            async with subscribed(server, resume=True) as client:
                client.transport.abort()
            await server.say_farewell()
            await sessions.live[0].closed.wait()

    run(scenario())


def test_who_loses_the_socket_during_a_farewell_is_not_waited_for(sessions):
    async def scenario():
        async with (
            serving(sessions, farewell_s=MINUTE_S) as server,
            subscribed(server, resume=True) as client,
        ):
            sessions.live[0].emit(CREATED)
            await client.recv()
            farewell = asyncio.create_task(server.say_farewell())
            await client.recv()
            client.transport.abort()
            await farewell
            assert sessions.live[0].closed.is_set()

    run(scenario())


def test_a_second_signal_ends_a_farewell(sessions):
    async def scenario():
        server, stop, at_once = serving(sessions, farewell_s=MINUTE_S), asyncio.Event(), asyncio.Event()
        serve = asyncio.create_task(server.serve_until(stop, at_once))
        while server._server is None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        async with subscribed(server) as client:
            sessions.live[0].emit(CREATED)
            await client.recv()
            stop.set()
            await client.recv()
            at_once.set()
            await serve
            assert (await rest(client))[1] == 1001
        assert sessions.live[0].closed.is_set()

    run(scenario())
