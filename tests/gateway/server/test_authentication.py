from http import HTTPStatus

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from gateway.access.credentials import SUBPROTOCOL
from gateway.access.key import ApiKey, digest_of, new_secret
from gateway.access.key_file import write_keys
from gateway.access.limits import Limits
from gateway.server.attempts import Attempts
from gateway.server.authentication import Authentication
from gateway.server.refusal import Refusal
from gateway.server.visit import Party
from streams.config import ServerConfig
from streams.errors import ConfigError

ADDRESS = "203.0.113.7"


def coming(secret=None, **headers):
    fields = Headers(headers)
    if secret is not None:
        fields["Authorization"] = f"Bearer {secret}"
    return Request("/v1/realtime", fields)


@pytest.fixture
def kept(tmp_path):
    """A file of one key, and the secret that is its."""
    secret = new_secret()
    file = tmp_path / "keys.json"
    write_keys(file, [ApiKey("phone", "alice", digest_of(secret), "2026-01-01", Limits(max_sessions=2))])
    return file, secret


def test_without_keys_everybody_is_the_default_tenant_within_the_servers_limits():
    config = ServerConfig(responses_per_minute=30, max_sessions_per_key=4)
    party = Authentication(config).identify(coming(secret="anything"), ADDRESS)
    assert party == Party("default", None, Limits(4, 30, None), ADDRESS)


def test_a_key_is_its_tenants_and_its_own_limits_go_first(kept):
    file, secret = kept
    config = ServerConfig(keys_file=file, responses_per_minute=30, max_sessions_per_key=4)
    wanted = Party("alice", "phone", Limits(2, 30, None), ADDRESS)
    authentication = Authentication(config)
    assert authentication.identify(coming(secret), ADDRESS) == wanted
    by_subprotocol = coming(**{"Sec-WebSocket-Protocol": f"realtime, {SUBPROTOCOL}{secret}"})
    assert authentication.identify(by_subprotocol, ADDRESS) == wanted


def test_who_has_no_key_is_told_how_to_send_one_and_it_counts_as_no_failure(kept):
    attempts = Attempts(limit=1)
    authentication = Authentication(ServerConfig(keys_file=kept[0]), attempts)
    for _ in range(3):
        refusal = authentication.identify(coming(), ADDRESS)
        assert (refusal.status, refusal.reason) == (HTTPStatus.UNAUTHORIZED, "no_key")
        assert "Bearer KEY" in refusal.message
        assert refusal.headers["WWW-Authenticate"] == "Bearer"
    assert attempts.allowed(ADDRESS)


def test_who_guesses_waits_and_who_has_a_key_does_not(kept):
    file, secret = kept
    time_s = [0.0]
    authentication = Authentication(
        ServerConfig(keys_file=file), Attempts(limit=2, window_s=60, now=lambda: time_s[0])
    )

    def guess(address=ADDRESS):
        refusal = authentication.identify(coming("guessed"), address)
        assert isinstance(refusal, Refusal)
        assert "guessed" not in str(refusal)
        return refusal.status, refusal.reason

    wrong, waits = (HTTPStatus.UNAUTHORIZED, "wrong_key"), (HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts")
    assert [guess() for _ in range(3)] == [wrong, wrong, waits]
    assert guess("198.51.100.1") == wrong
    assert isinstance(authentication.identify(coming(secret), ADDRESS), Party)
    time_s[0] = 60.0
    assert guess() == wrong


def test_of_ipv6_the_network_counts(kept):
    authentication = Authentication(ServerConfig(keys_file=kept[0]), Attempts(limit=1))
    reasons = [
        authentication.identify(coming("guessed"), address).reason
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    ]
    assert reasons == ["wrong_key", "too_many_attempts", "wrong_key"]


def test_while_the_keys_cannot_be_read_nobody_gets_in(kept):
    file, secret = kept
    authentication = Authentication(ServerConfig(keys_file=file))
    file.write_text("{", "utf-8")
    refusal = authentication.identify(coming(secret), ADDRESS)
    assert (refusal.status, refusal.code) == (HTTPStatus.SERVICE_UNAVAILABLE, "keys_unusable")
    assert refusal.retry_after_s


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.json"):
        Authentication(ServerConfig(keys_file=tmp_path / "missing.json"))
