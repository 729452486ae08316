import contextlib
import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.key import ApiKey, digest_of
from gateway.access.key_file import PARAM, editing, read_keys, write_keys
from gateway.access.limits import Limits
from streams.errors import ConfigError

KEYS = (
    ApiKey("phone", "alice", digest_of("a"), "2026-01-01", Limits(3, audio_seconds_per_minute=90)),
    ApiKey("laptop", "alice", digest_of("b"), "2026-01-02"),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


def refused(file):
    with pytest.raises(ConfigError) as caught:
        read_keys(file)
    assert caught.value.param == PARAM
    assert str(file) in caught.value.message
    return caught.value.message


def test_what_was_written_is_read_and_is_for_its_owner_alone(file):
    write_keys(file, KEYS)
    assert read_keys(file) == KEYS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    write_keys(file, KEYS[:1])
    assert read_keys(file) == KEYS[:1]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_link_stays_one(file, tmp_path):
    write_keys(file, KEYS)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    write_keys(link, KEYS[1:])
    assert link.is_symlink()
    assert read_keys(file) == KEYS[1:]


def test_a_file_that_others_may_write_is_not_believed(file):
    write_keys(file, KEYS)
    file.chmod(0o620)
    assert "chmod 600" in refused(file)


def test_a_file_that_is_not_there_or_cannot_be_written(file, tmp_path):
    assert "No such file" in refused(file)
    for act in (lambda path: write_keys(path, KEYS), lambda path: editing(path).__enter__()):
        with pytest.raises(ConfigError, match="cannot write"):
            act(tmp_path / "nowhere" / "keys.json")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda document: document.update(version=2), "version 2"),
        (lambda document: document.pop("version"), "version"),
        (lambda document: document.update(more=1), "more"),
        (lambda document: document["keys"][0].update(secret="x"), "keys.0.secret"),
        (
            lambda document: document["keys"][0]["limits"].update(max_sessions="3"),
            "keys.0.limits.max_sessions",
        ),
        (lambda document: document["keys"][0]["limits"].update(max_sessions=0), "max_sessions is 0"),
        (lambda document: document["keys"][0].update(tenant="../x"), "cannot name a tenant"),
        (lambda document: document["keys"][1].update(name="phone"), "two keys named 'phone'"),
        (lambda document: document.update(keys={}), "keys"),
    ],
)
def test_a_file_that_was_edited_wrongly_says_where(file, change, problem):
    write_keys(file, KEYS)
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    assert problem in refused(file)


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(max_size=4), st.lists).map(
        lambda value: json.dumps({"version": 1, "keys": value}).encode()
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_keys_or_a_config_error(file, data):
    file.write_bytes(data)
    file.chmod(0o600)
    with contextlib.suppress(ConfigError):
        assert read_keys(file) == ()


def add(file, name):
    with editing(file):
        keys = read_keys(file) if file.exists() else ()
        write_keys(file, [*keys, ApiKey(name, "alice", digest_of(name), "2026-01-01")])


def test_two_who_edit_at_once_lose_nothing(file):
    names = [f"key-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as editors:
        list(editors.map(lambda name: add(file, name), names))
    assert {key.name for key in read_keys(file)} == set(names)
