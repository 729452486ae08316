import pytest

from gateway.access.key import ApiKey, digest_of
from gateway.access.key_file import write_keys
from gateway.access.key_ring import KeyRing
from streams.errors import ConfigError

ALICE = ApiKey("phone", "alice", digest_of("a"), "2026-01-01")
BOB = ApiKey("laptop", "bob", digest_of("b"), "2026-01-01")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "keys.json"
    write_keys(file, [ALICE, BOB])
    return file


def test_a_secret_finds_its_key_and_no_other(file):
    ring = KeyRing(file)
    assert ring.find("a") == ALICE
    assert ring.find("b") == BOB
    for wrong in ("", "A", "ab", digest_of("a")):
        assert ring.find(wrong) is None


def test_what_was_revoked_opens_nothing_and_what_was_added_does(file):
    ring = KeyRing(file)
    new = ApiKey("new", "eve", digest_of("c"), "2026-01-02")
    write_keys(file, [BOB, new])
    assert ring.find("a") is None
    assert ring.find("c") == new


def test_while_the_file_cannot_be_read_nothing_is_opened(file):
    ring = KeyRing(file)
    text = file.read_text()
    for spoil in (lambda: file.write_text("{"), lambda: file.chmod(0o666), file.unlink):
        spoil()
        for _ in range(2):
            with pytest.raises(ConfigError):
                ring.find("a")
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(0o600)
        assert ring.find("a") == ALICE


def test_a_server_does_not_start_without_its_keys(tmp_path):
    with pytest.raises(ConfigError):
        KeyRing(tmp_path / "none.json")
