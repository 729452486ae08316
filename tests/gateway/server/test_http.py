"""Plain HTTP on the WebSocket's port, on a real socket."""

import asyncio
import contextlib
import http.client
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.server.server import GatewayServer
from streams.config import ServerConfig, VideoConfig

MINUTE_S = 60


@pytest.fixture
def serving(scripted, service):
    async def open_session(visit, emit):
        return scripted(emit)

    def make(**config):
        return GatewayServer(ServerConfig(port=0, **config), VideoConfig(), open_session, service)

    return make


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, MINUTE_S))


async def ask(server, path, method="GET", body=None):
    def fetch():
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as client:
            client.request(method, path, body=body)
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read()

    return await asyncio.to_thread(fetch)


async def send_raw(server, data):
    """Everything the server says to ``data`` until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def test_a_server_that_runs_is_alive_and_ready(serving):
    async def scenario():
        async with serving() as server:
            status, headers, body = await ask(server, "/healthz?from=probe")
            assert (status, json.loads(body)) == (200, {"status": "alive"})
            assert headers["Cache-Control"] == "no-store"
            status, _, body = await ask(server, "/readyz")
            assert (status, json.loads(body)) == (200, {"status": "ready"})

    run(scenario())


def test_it_is_alive_but_not_ready_while_models_are_behind_and_takes_nobody_in(serving, service):
    async def scenario():
        async with serving(max_wait_ms=1_500) as server:
            service.waits_s["asr"] = 1.5
            assert (await ask(server, "/readyz"))[0] == 200
            async with connect(server.url) as running:
                service.waits_s["asr"] = 1.6
                status, _, body = await ask(server, "/readyz")
                assert status == 503
                assert "asr waits 1.6 s" in json.loads(body)["problems"][0]
                assert (await ask(server, "/healthz"))[0] == 200
                with pytest.raises(InvalidStatus) as caught:
                    await connect(server.url)
                response = caught.value.response
                assert response.status_code == 503
                assert response.headers["Retry-After"] == "5"
                error = json.loads(response.body)["error"]
                assert (error["type"], error["code"]) == ("server_error", "overloaded")
                await running.send("{")  # those that are there go on
                assert json.loads(await running.recv())["type"] == "session.created"
                assert json.loads(await running.recv())["error"]["code"] == "invalid_json"
            service.waits_s["asr"] = 0.0
            async with connect(server.url):
                pass

    run(scenario())


def test_it_is_not_ready_when_it_is_full_or_the_disk_fails(serving, service):
    async def scenario():
        async with serving(max_sessions=1) as server, connect(server.url):
            service.disk_problem = "no space left"
            status, _, body = await ask(server, "/readyz")
            assert status == 503
            full, disk = json.loads(body)["problems"]
            assert "All 1 sessions are taken" in full
            assert disk == "no space left"

    run(scenario())


def test_head_is_answered_without_a_body(serving):
    async def scenario():
        async with serving() as server:
            for path, wanted in (("/healthz", 200), ("/nowhere", 404)):
                status, headers, body = await ask(server, path, "HEAD")
                assert (status, body) == (wanted, b"")
                assert int(headers["Content-Length"]) > 0

    run(scenario())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused_by_name(serving, method):
    async def scenario():
        async with serving() as server:
            status, headers, body = await ask(server, "/v1/realtime", method, b"{}")
            assert status == 405
            assert headers["Allow"] == "GET, HEAD"
            assert json.loads(body)["error"]["code"] == "method_not_allowed"
            assert (await ask(server, "/healthz"))[0] == 200

    run(scenario())


def test_an_old_version_of_http_is_refused_by_name(serving):
    async def scenario():
        async with serving() as server:
            assert b" 505 " in (await send_raw(server, b"GET / HTTP/1.0\r\n\r\n")).splitlines()[0]

    run(scenario())


def test_a_request_may_come_in_pieces(serving):
    async def scenario():
        async with serving() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            for piece in (b"G", b"ET /heal", b"thz HTTP/1.1\r", b"\nHost: x\r\n", b"\r\n"):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            assert b" 200 " in await reader.readline()
            writer.close()

    run(scenario())


NOISE = st.binary(max_size=200) | st.builds(
    lambda method, path, rest: method + b" " + path + b" HTTP/1.1\r\n" + rest,
    st.sampled_from([b"GET", b"HEAD", b"POST", b"get", b""]),
    st.binary(max_size=40),
    st.binary(max_size=80),
)


@given(st.lists(NOISE, max_size=8))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_the_server_stays(serving, noises):
    async def scenario():
        async with serving() as server:
            for noise in noises:
                await send_raw(server, noise)
            await send_raw(server, b"GET /" + b"x" * 20_000)
            assert (await ask(server, "/healthz"))[0] == 200

    run(scenario())
