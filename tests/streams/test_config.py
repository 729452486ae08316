import contextlib
from pathlib import Path

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.config import StreamsConfig, load_config
from streams.errors import ConfigError


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "streams.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def refused(**sources):
    with pytest.raises(ConfigError) as caught:
        load_config(**sources)
    return caught.value


def test_defaults_stand_where_nothing_is_said():
    assert load_config() == StreamsConfig()
    assert load_config().server.port == 8765


def test_flags_go_before_the_environment_before_the_file_before_defaults(toml):
    file = toml("[memory]\nwindow_tokens = 1\ndialogue_tokens = 1\nrecall_blocks = 1\n")
    environ = {"STREAMS_MEMORY_DIALOGUE_TOKENS": "2", "STREAMS_MEMORY_RECALL_BLOCKS": "2", "HOME": "/x"}
    flags = {"memory.recall_blocks": 3, "memory.ram_bytes": None}
    memory = load_config(file, environ, flags).memory
    assert (memory.window_tokens, memory.dialogue_tokens, memory.recall_blocks) == (1, 2, 3)
    assert memory.ram_bytes == StreamsConfig().memory.ram_bytes


def test_a_key_with_underscores_is_set_from_the_environment():
    environ = {"STREAMS_MODELS_CACHE_DIR": "/models", "STREAMS_SERVER_MAX_MESSAGE_BYTES": "7"}
    config = load_config(environ=environ)
    assert config.models.cache_dir == Path("/models")
    assert config.server.max_message_bytes == 7


@pytest.mark.parametrize(
    ("environ", "param"),
    [
        ({"STREAMS_MEMORY_COLOUR": "red"}, "memory.colour"),
        ({"STREAMS_COLOUR": "red"}, "STREAMS_COLOUR"),
        ({"STREAMS_MEMORY": "red"}, "STREAMS_MEMORY"),
        ({"STREAMS_": "red"}, "STREAMS_"),
    ],
)
def test_an_unknown_key_in_the_environment_is_refused_by_name(environ, param):
    error = refused(environ=environ)
    assert error.param == param
    assert param in error.message


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ("[memory]\ncolour = 1", "memory.colour"),
        ("[colour]\nred = 1", "colour"),
        ("window_tokens = 5", "window_tokens"),
        ("[memory.window]\ntokens = 1", "memory.window"),
    ],
)
def test_an_unknown_key_in_the_file_is_refused_by_name(toml, text, param):
    error = refused(file=toml(text))
    assert error.param == param
    assert "unknown setting" in error.message
    assert f"'{param}'" in error.message


@pytest.mark.parametrize("name", ["memory.colour", "colour.red", "colour"])
def test_an_unknown_flag_is_refused_by_name(name):
    error = refused(flags={name: 1})
    assert (error.param, error.code) == (name, "invalid_config")
    assert f"'{name}'" in error.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server.port", "eighty"),
        ("server.port", 70_000),
        ("server.port", -1),
        ("video.sample_fps", 0),
        ("video.sample_fps", "nan"),
        ("video.keep_every_s", "inf"),
        ("llm.temperature", 2.1),
        ("llm.backend", "magic"),
        ("speech.silence_duration_ms", 63),
        ("memory.window_tokens", 1.5),
        ("memory.recall_blocks", -1),
        ("log.level", "loud"),
    ],
)
def test_a_wrong_value_names_its_key_from_every_source(toml, name, value):
    section, key = name.split(".")
    literal = value if isinstance(value, int | float) or value in ("nan", "inf") else f'"{value}"'
    sources = (
        {"flags": {name: value}},
        {"environ": {f"STREAMS_{section}_{key}".upper(): str(value)}},
        {"file": toml(f"[{section}]\n{key} = {literal}\n")},
    )
    for source in sources:
        error = refused(**source)
        assert error.param == name
        assert f"'{name}'" in error.message
        assert "\n" not in error.message


def test_a_file_that_cannot_be_read_is_named(tmp_path, toml):
    missing = tmp_path / "none.toml"
    assert refused(file=missing).message == f"cannot read {missing}: No such file or directory"
    assert refused(file=tmp_path).param == str(tmp_path)
    malformed = toml("[memory\nwindow_tokens = 5")
    error = refused(file=malformed)
    assert error.param == str(malformed)
    assert "line 1" in error.message
    malformed.write_bytes(b"\xff\xfe")
    assert refused(file=malformed).param == str(malformed)


def test_the_configuration_is_frozen():
    config = load_config()
    with pytest.raises(pydantic.ValidationError):
        config.memory.window_tokens = 5
    with pytest.raises(pydantic.ValidationError):
        config.memory = None


@given(st.dictionaries(st.text(max_size=20).map("STREAMS_".__add__), st.text(max_size=20), max_size=3))
def test_any_environment_makes_a_configuration_or_a_config_error(environ):
    with contextlib.suppress(ConfigError):
        assert isinstance(load_config(environ=environ), StreamsConfig)
