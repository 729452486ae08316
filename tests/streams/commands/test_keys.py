import json

import pytest

from gateway.access.key_ring import KeyRing
from streams.cli import main


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def keys(capsys, file):
    """Runs ``streams keys`` on the file: its exit status, its output and its errors."""

    def run(*words):
        try:
            status = main(["keys", *words, "--keys-file", str(file)])
        except SystemExit as left:
            status = left.code
        return status, *capsys.readouterr()

    return run


def test_a_key_is_printed_once_and_opens_until_it_is_revoked(keys, file):
    status, out, err = keys("add", "phone", "--tenant", "alice", "--max-sessions", "2")
    secret = out.strip()
    assert (status, "only time" in err) == (0, True)
    assert secret not in file.read_text()
    found = KeyRing(file).find(secret)
    assert (found.name, found.tenant, found.limits.max_sessions) == ("phone", "alice", 2)
    _, listed, _ = keys("list")
    assert "phone" in listed
    assert "alice" in listed
    assert secret not in listed
    assert keys("revoke", "phone")[0] == 0
    assert KeyRing(file).find(secret) is None


def test_without_a_tenant_a_key_has_sessions_of_its_own(keys):
    keys("add", "one")
    keys("add", "two")
    _, out, _ = keys("list", "--json")
    assert [(key["name"], key["tenant"], key["limits"]["max_sessions"]) for key in json.loads(out)] == [
        ("one", "one", None),
        ("two", "two", None),
    ]
    assert "digest" not in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["add", "phone"], "already"),
        (["add", "no good"], "cannot name a key"),
        (["add", "new", "--tenant", "a/b"], "cannot name a tenant"),
        (["add", "new", "--max-sessions", "0"], "at least 1"),
        (["revoke", "nobody"], "no key named 'nobody'"),
        (["revoke", "phone", "nobody"], "no key named 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(keys, file, words, problem):
    keys("add", "phone")
    before = file.read_bytes()
    status, out, err = keys(*words)
    assert (status, out) == (1, "")
    assert problem in err
    assert file.read_bytes() == before


def test_it_asks_where_the_keys_are(capsys):
    assert main(["keys", "list"]) == 1
    assert "server.keys_file" in capsys.readouterr().err
