import io

import pytest
from rich.console import Console

from streams.timeline import STYLES, Timeline

S = 1_000_000


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)


@pytest.fixture
def plain():
    return Console(file=io.StringIO(), width=200)


def test_a_line_has_the_time_the_kind_and_the_text(plain):
    with Timeline(plain) as timeline:
        timeline.say("note", "connected")
        timeline.tick(61 * S)
        timeline.say("answer", "A cat.")
    assert plain.file.getvalue().splitlines() == ["00:00       note  connected", "01:01     answer  A cat."]


def test_time_never_goes_back(plain):
    timeline = Timeline(plain)
    timeline.tick(5 * S)
    timeline.tick(0, hearing="what")
    timeline.say("note", "still")
    assert plain.file.getvalue().startswith("00:05 ")


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/nothing]", "ends in \\", "[link=x]", "a [b] c"])
@pytest.mark.parametrize("kind", STYLES)
def test_text_is_shown_as_it_is_whatever_is_in_it(plain, kind, text):
    Timeline(plain).say(kind, text)
    assert plain.file.getvalue() == f"00:00  {kind:>9}  {text}\n"


def test_the_status_line_keeps_what_it_is_not_told(terminal):
    with Timeline(terminal) as timeline:
        timeline.tick(S, frames=3)
        timeline.tick(2 * S, hearing="what [is]")
        timeline.tick(3 * S, writing="A cat \\")
        status = str(timeline._status.renderable.text)
        assert "00:03  3 frames sent  ·  hears: what [is]  ·  says: A cat \\" in status
        timeline.tick(4 * S, hearing="", writing="")
        assert str(timeline._status.renderable.text).endswith("00:04  3 frames sent")


def test_without_a_terminal_there_is_no_status_line(plain):
    with Timeline(plain) as timeline:
        timeline.tick(S, frames=3)
    assert plain.file.getvalue() == ""
