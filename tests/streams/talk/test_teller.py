import io

from rich.console import Console

from streams.talk.teller import Teller
from streams.timeline import Timeline


def test_who_lost_the_connection_is_told_that_it_is_back():
    console = Console(file=io.StringIO(), width=100)
    with Timeline(console) as timeline:
        Teller(timeline).on_event({"type": "session.resumed"})
    assert "is back" in console.file.getvalue()
