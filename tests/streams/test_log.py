import json
import re

import pytest

from streams.config import LogConfig
from streams.log import configure_logging, get_logger


@pytest.fixture
def logged(capsys):
    """Configures logging and returns what was written since the last call, line by line."""

    def lines(**config):
        if config:
            configure_logging(LogConfig(**config))
        return capsys.readouterr().err.splitlines()

    return lines


def test_a_line_of_text_is_time_level_event_and_fields(logged):
    logged(format="text")
    get_logger("gateway.server.server").info("session.opened", session="sess_1", frames=3)
    (line,) = logged()
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    session\.opened session=sess_1 frames=3", line)


def test_what_a_client_sent_cannot_pass_for_another_line(logged):
    logged(format="text")
    get_logger("gateway").info("opened", session="x\n00:00:00 info    forged", key="Käse")
    (line,) = logged()
    assert line.endswith(r"session='x\n00:00:00 info    forged' key=Käse")


def test_a_line_of_json_is_an_object(logged, tmp_path):
    logged(format="json")
    get_logger("memory.disk").warning("memory.unreadable", block=7, file=tmp_path)
    (line,) = map(json.loads, logged())
    assert line.pop("time") > 1_700_000_000
    assert line == {
        "level": "warning",
        "logger": "streams.memory.disk",
        "event": "memory.unreadable",
        "block": 7,
        "file": str(tmp_path),
    }


def test_a_bound_logger_carries_its_fields_and_leaves_the_other_alone(logged):
    logged(format="json")
    log = get_logger("x")
    bound = log.bind(session="a").bind(item="b")
    bound.info("one", item="c")
    log.info("two")
    one, two = map(json.loads, logged())
    assert (one["session"], one["item"]) == ("a", "c")
    assert not {"session", "item"} & set(two)


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_comes_with_its_traceback(logged, form):
    logged(format=form)
    try:
        raise ValueError("no such block")
    except ValueError:
        get_logger("x").exception("read.failed", block=3)
    lines = logged()
    if form == "json":
        (record,) = map(json.loads, lines)
        assert (record["level"], record["block"]) == ("error", 3)
        lines = record["traceback"].splitlines()
    else:
        assert lines[0].endswith("error   read.failed block=3")
    assert lines[-1] == "ValueError: no such block"


@pytest.mark.parametrize(
    ("level", "events"),
    [("debug", ["d", "i", "w"]), ("info", ["i", "w"]), ("warning", ["w"]), ("error", [])],
)
def test_what_is_under_the_level_is_not_logged(logged, level, events):
    logged(level=level, format="json")
    log = get_logger("x")
    log.debug("d")
    log.info("i")
    log.warning("w")
    assert [json.loads(line)["event"] for line in logged()] == events


def test_configuring_again_replaces_what_was(logged):
    logged(format="text")
    logged(format="json")
    get_logger("x").info("once")
    assert len(logged()) == 1
