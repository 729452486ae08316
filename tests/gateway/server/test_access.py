"""Who gets in, on a real socket, with scripted sessions behind it."""

import asyncio
import contextlib
import json
import logging
import urllib.error
import urllib.request

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.access.credentials import SUBPROTOCOL
from gateway.access.key import ApiKey, digest_of, new_secret
from gateway.access.key_file import write_keys
from gateway.access.limits import Limits
from gateway.server.server import GatewayServer
from streams.config import ServerConfig, VideoConfig
from streams.errors import ConfigError, InvalidRequestError
from streams.log import JsonFormatter, TextFormatter

MINUTE_S = 60


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, MINUTE_S))


class Keys:
    """A file of keys, and the secrets that open it."""

    def __init__(self, file):
        self.file = file
        self.keys = []
        self.add("server-without-clients")

    def add(self, name, tenant=None, **limits):
        secret = new_secret()
        self.keys.append(ApiKey(name, tenant or name, digest_of(secret), "2026-01-01", Limits(**limits)))
        write_keys(self.file, self.keys)
        return secret

    def revoke(self, name):
        self.keys = [key for key in self.keys if key.name != name]
        write_keys(self.file, self.keys)


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path / "keys.json")


@pytest.fixture
def serving(sessions, keys):
    def make(**config):
        settings = {"port": 0, "keys_file": keys.file} | config
        return GatewayServer(ServerConfig(**settings), VideoConfig(), sessions)

    return make


def bearer(secret):
    return {"additional_headers": {"Authorization": f"Bearer {secret}"}}


async def refused(server, query="", **options):
    with pytest.raises(InvalidStatus) as caught:
        await connect(server.url + query, **options)
    response = caught.value.response
    assert response.headers["Content-Type"] == "application/json"
    return response.status_code, json.loads(response.body)["error"], response.headers


def test_a_key_opens_from_a_header_and_from_a_subprotocol(serving, sessions, keys):
    async def scenario():
        secret = keys.add("phone", "alice")
        async with serving() as server:
            async with connect(server.url, **bearer(secret)) as client:
                assert json.loads(await client.recv())["type"] == "session.created"
            offered = ["realtime", SUBPROTOCOL + secret]
            async with connect(server.url, subprotocols=offered) as browser:
                assert browser.subprotocol == "realtime"  # and never the key
                assert json.loads(await browser.recv())["type"] == "session.created"
        assert sessions.tenants == ["alice", "alice"]

    run(scenario())


def test_without_a_key_or_with_a_wrong_one_the_answer_is_401_as_the_api_gives_it(serving, sessions, keys):
    async def scenario():
        async with serving() as server:
            for options in ({}, bearer(new_secret()), bearer(""), {"subprotocols": [SUBPROTOCOL + "x"]}):
                status, error, headers = await refused(server, **options)
                assert status == 401
                assert headers["WWW-Authenticate"] == "Bearer"
                assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
            # A key in the address ends up in the logs of whatever is on the way: it opens nothing.
            assert (await refused(server, f"?api_key={keys.add('phone')}"))[0] == 401
        assert sessions.live == []

    run(scenario())


def test_a_key_is_good_from_when_it_is_made_until_it_is_revoked(serving, keys):
    async def scenario():
        async with serving() as server:
            secret = keys.add("phone")
            async with connect(server.url, **bearer(secret)):
                keys.revoke("phone")
                assert (await refused(server, **bearer(secret)))[0] == 401

    run(scenario())


def test_while_the_keys_cannot_be_read_nobody_gets_in(serving, keys):
    async def scenario():
        secret = keys.add("phone")
        async with serving() as server:
            keys.file.write_text("{")
            status, error, _ = await refused(server, **bearer(secret))
            assert (status, error["code"]) == (503, "keys_unusable")
            assert str(keys.file) not in error["message"]

    run(scenario())


def test_who_guesses_is_told_less_and_who_has_a_key_is_not_kept_out(serving, keys):
    async def scenario():
        secret = keys.add("phone")
        async with serving() as server:
            answers = [(await refused(server, **bearer("guess")))[0] for _ in range(12)]
            assert answers == [401] * 10 + [429] * 2
            async with connect(server.url, **bearer(secret)):
                pass

    run(scenario())


def test_behind_a_trusted_proxy_guesses_count_for_who_made_them(serving):
    async def scenario():
        async with serving(trusted_proxies="127.0.0.1") as server:

            async def guess(address):
                headers = {"Authorization": "Bearer guess", "X-Forwarded-For": address}
                return (await refused(server, additional_headers=headers))[0]

            assert [await guess("6.6.6.6") for _ in range(11)] == [401] * 10 + [429]
            assert await guess("7.7.7.7") == 401

    run(scenario())


def test_a_key_has_so_many_sessions_at_a_time(serving, sessions, keys):
    async def scenario():
        few, many = keys.add("few", max_sessions=1), keys.add("many")
        async with serving(max_sessions_per_key=2) as server:
            async with contextlib.AsyncExitStack() as clients:
                for secret in (few, many, many):
                    client = await clients.enter_async_context(connect(server.url, **bearer(secret)))
                    await client.recv()
                for secret, most in ((few, 1), (many, 2)):
                    status, error, headers = await refused(server, **bearer(secret))
                    assert (status, error["code"]) == (429, "rate_limit_exceeded")
                    assert f"{most} sessions are taken" in error["message"]
                    assert int(headers["Retry-After"]) > 0
            for live in sessions.live:
                await live.closed.wait()
            async with connect(server.url, **bearer(few)) as client:
                await client.recv()

    run(scenario())


def test_a_session_is_resumed_by_its_own_tenant_alone(serving, keys):
    async def scenario():
        alice, bob = keys.add("alice"), keys.add("bob")
        async with serving() as server:
            async with connect(server.url, **bearer(alice)) as client:
                await client.recv()
                session = {"type": "realtime", "streams": {"resume": True}}
                await client.send(json.dumps({"type": "session.update", "session": session}))
                updated = json.loads(await client.recv())
                token = updated["session"]["streams"]["resume"]["token"]
                client.transport.abort()
            request = {"type": "session.resume", "token": token, "after": updated["event_id"]}

            async def resume(secret):
                async with connect(f"{server.url}?resume=1", **bearer(secret)) as client:
                    await client.send(json.dumps(request))
                    return json.loads(await client.recv())

            assert (await resume(bob))["error"]["code"] == "resume_failed"
            assert (await resume(alice))["type"] == "session.resumed"

    run(scenario())


def test_pages_of_other_sites_may_not_connect_unless_they_are_listed(serving, keys):
    async def scenario():
        secret = keys.add("phone")
        async with serving(allowed_origins="https://app.example.com") as server:
            status, error, _ = await refused(server, origin="https://evil.com", **bearer(secret))
            assert (status, error["code"]) == (403, "origin_not_allowed")
            own = f"http://127.0.0.1:{server.port}"
            for origin in ("https://app.example.com", own, None):
                async with connect(server.url, origin=origin, **bearer(secret)) as client:
                    await client.recv()

    run(scenario())


def test_without_keys_a_name_that_was_made_to_lead_here_is_refused(serving):
    async def scenario():
        async with serving(keys_file=None) as server:
            rebound = f"evil.com:{server.port}"
            headers = {"Host": rebound, "Origin": f"http://{rebound}"}
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            lines = ["GET /v1/realtime HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            assert b" 403 " in await reader.readline()
            writer.close()

    run(scenario())


def test_other_machines_are_let_in_only_on_purpose(serving):
    async def scenario():
        with pytest.raises(ConfigError) as caught:
            await serving(keys_file=None, host="0.0.0.0").__aenter__()
        assert caught.value.param == "server.keys_file"
        for config in ({"open": True, "keys_file": None}, {}):
            async with serving(host="0.0.0.0", **config) as server:
                assert server.port

    run(scenario())


def test_a_server_does_not_start_without_the_keys_it_was_told_of(serving, tmp_path):
    with pytest.raises(ConfigError) as caught:
        serving(keys_file=tmp_path / "none.json")
    assert caught.value.param == "server.keys_file"


async def metrics_status(server, **headers):
    def fetch():
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/metrics", headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    return await asyncio.to_thread(fetch)


def test_metrics_are_for_this_machine_unless_all_may_read_them(serving):
    async def scenario():
        forwarded = {"X-Forwarded-For": "6.6.6.6"}
        async with serving() as server:
            assert await metrics_status(server) == 200
            assert await metrics_status(server, **forwarded) == 404
        async with serving(trusted_proxies="127.0.0.1") as server:
            assert await metrics_status(server, **forwarded) == 404
        async with serving(metrics_for="all") as server:
            assert await metrics_status(server, **forwarded) == 200

    run(scenario())


@pytest.fixture(params=[TextFormatter, JsonFormatter])
def log_lines(request):
    """Every line that a server logs while the test runs, as it would be written; not those of its client."""
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    handler = Keep(logging.DEBUG)
    handler.setFormatter(request.param())
    loggers = [logging.getLogger(name) for name in ("streams", "websockets.server", "asyncio")]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield lines
    for logger, level, propagate in before:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def test_nothing_secret_is_in_any_log_or_answer(serving, sessions, keys, log_lines):
    async def scenario():
        right, wrong = keys.add("phone", "alice"), new_secret()
        answers = []
        async with serving() as server:
            for secret in (right, wrong):
                ways = (
                    ("", bearer(secret)),
                    ("", {"subprotocols": ["realtime", SUBPROTOCOL + secret]}),
                    (f"?api_key={secret}&intent=transcription", bearer(secret)),
                    (f"?resume={secret}", bearer(secret)),
                    (f"/{secret}", bearer(secret)),
                )
                for query, options in ways:
                    try:
                        async with connect(server.url + query, **options) as client:
                            answers.append(await client.recv())
                            await client.send("{")
                            answers.append(await client.recv())
                    except InvalidStatus as error:
                        answers.append(str(error.response.body))
                raw = f"GET /v1/realtime?key={secret} HTTP/1.1\r\nAuthorization {secret}\r\n\r\n"
                for data in (raw, raw.replace("GET", "POST"), f"{secret}\r\n\r\n"):
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    writer.write(data.encode())
                    writer.write_eof()
                    with contextlib.suppress(ConnectionResetError):
                        answers.append((await reader.read()).decode())
                    writer.close()
            sessions.failure = InvalidRequestError("no")
            async with connect(server.url, **bearer(right)) as client:
                answers.append(await client.recv())
        text = "\n".join([*log_lines, *map(str, answers)])
        assert "session_refused" in text
        assert "session_opened" in text
        for secret in (right, wrong):
            assert secret not in text

    run(scenario())


def test_what_is_logged_of_a_session_says_whose_it_is(serving, keys, log_lines):
    async def scenario():
        async with serving() as server, connect(server.url, **bearer(keys.add("phone", "alice"))) as client:
            await client.recv()
        (opened,) = [line for line in log_lines if "session_opened" in line]
        (closed,) = [line for line in log_lines if "session_closed" in line]
        for line in (opened, closed):
            assert "sess_scripted" in line
            assert "alice" in line
        if opened.startswith("{"):
            fields = json.loads(opened)
            assert (fields["session"], fields["tenant"], fields["key"]) == ("sess_scripted", "alice", "phone")

    run(scenario())
