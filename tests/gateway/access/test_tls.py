import asyncio
import json
import ssl
import urllib.request

import pytest
from websockets.asyncio.client import connect

from gateway.access.tls import CERT, KEY, load_certificate
from gateway.server.server import GatewayServer
from streams.config import ServerConfig, VideoConfig
from streams.errors import ConfigError

MINUTE_S = 60


def config(cert=None, key=None):
    return ServerConfig(port=0, tls_cert=cert, tls_key=key)


def refused(cert=None, key=None):
    with pytest.raises(ConfigError) as caught:
        load_certificate(config(cert, key))
    return caught.value.param, caught.value.message


def test_without_files_there_is_no_tls_and_with_one_of_them_an_error(certified):
    cert, key = certified()
    assert load_certificate(config()) is None
    assert refused(cert=cert)[0] == KEY
    assert refused(key=key)[0] == CERT


def test_files_that_cannot_be_used_are_named(certified, tmp_path):
    cert, key = certified()
    missing, text = tmp_path / "none.pem", tmp_path / "text.pem"
    text.write_text("nothing")
    assert refused(missing, key) == (CERT, f"cannot read {missing}: No such file or directory")
    assert refused(cert, missing)[0] == KEY
    assert refused(text, key) == (CERT, f"{text} holds no certificate in PEM form")
    assert refused(cert, text)[0] == KEY
    assert refused(key, cert)[0] == CERT  # the wrong way round
    text.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert refused(text, key)[0] == CERT


def test_a_key_of_another_certificate_or_with_a_passphrase_is_refused(certified, tmp_path):
    cert, key = certified()
    other = tmp_path / "other.pem"
    other.write_bytes(key.read_bytes())
    certified()
    param, message = refused(cert, other)
    assert (param, "is not the private key" in message) == (KEY, True)
    param, message = refused(*certified(passphrase=b"secret"))
    assert (param, "without a passphrase" in message) == (KEY, True)


async def serial_of(server, trusted):
    """A session over TLS: which certificate the server has."""
    context = ssl.create_default_context(cadata=trusted)
    async with connect(server.url, ssl=context) as client:
        assert json.loads(await client.recv())["type"] == "session.created"
        return int(client.transport.get_extra_info("peercert")["serialNumber"], 16)


def test_a_session_over_tls_and_a_certificate_that_is_renewed_meanwhile(certified, scripted):
    async def open_session(visit, emit):
        return scripted(emit)

    async def scenario():
        cert, key = certified(number=1)
        async with GatewayServer(config(cert, key), VideoConfig(), open_session) as server:
            assert server.url.startswith("wss://")
            first = cert.read_text()
            assert await serial_of(server, first) == 1
            key.write_text("half written")
            assert await serial_of(server, first) == 1
            certified(number=2)
            second = cert.read_text()
            assert await serial_of(server, second) == 2
            with pytest.raises(ssl.SSLCertVerificationError):
                await serial_of(server, first)
            trusting = ssl.create_default_context(cadata=second)

            def alive():
                with urllib.request.urlopen(f"{server.page_url}healthz", context=trusting) as answer:
                    return answer.status

            assert await asyncio.to_thread(alive) == 200

    asyncio.run(asyncio.wait_for(scenario(), MINUTE_S))


def test_who_speaks_no_tls_gets_nothing(certified, scripted):
    async def scenario():
        async with GatewayServer(config(*certified()), VideoConfig(), None) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert b"HTTP" not in await reader.read()
            writer.close()

    asyncio.run(asyncio.wait_for(scenario(), MINUTE_S))
