import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.key import PREFIX, ApiKey, digest_of, new_secret
from streams.errors import ConfigError


def test_a_secret_is_long_never_the_same_and_known_for_what_it_is():
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith(PREFIX)
        assert len(secret) >= len(PREFIX) + 43  # 256 bits


def test_what_is_kept_is_a_hash_that_only_its_secret_has():
    secret = new_secret()
    key = ApiKey("phone", "alice", digest_of(secret), "2026-01-01")
    assert key.is_of(digest_of(secret))
    assert not key.is_of(digest_of(secret[:-1]))
    assert secret not in repr(key)


@given(st.text())
def test_whatever_is_sent_as_a_key_has_a_digest(secret):
    assert len(digest_of(secret)) == 64


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": ".hidden"}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "n" * 65}, "name"),
        ({"tenant": "../other"}, "tenant"),
        ({"tenant": "catalog.sqlite"}, "tenant"),
        ({"digest": "plain"}, "digest"),
        ({"digest": "A" * 64}, "digest"),
    ],
)
def test_a_key_that_cannot_be_names_what_is_wrong(change, param):
    fields = {"name": "phone", "tenant": "alice", "digest": "0" * 64, "created": "2026-01-01"}
    with pytest.raises(ConfigError) as caught:
        ApiKey(**fields | change)
    assert caught.value.param == param
