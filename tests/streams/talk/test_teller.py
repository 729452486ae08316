import io

from rich.console import Console

from streams.talk.teller import Teller
from streams.timeline import Timeline


def test_who_lost_the_connection_is_told_that_it_is_back():
    console = Console(file=io.StringIO(), width=100)
    with Timeline(console) as timeline:
        Teller(timeline).on_event({"type": "session.resumed"})
    assert "is back" in console.file.getvalue()


def test_what_is_said_unasked_is_told_to_be_that():
    console = Console(file=io.StringIO(), width=100)
    request = {"id": "dog", "kind": "alert", "text": "Tell me when you see a dog.", "repeat": False}
    with Timeline(console) as timeline:
        teller = Teller(timeline)
        change = {"type": "session.standing_requests", "change": "added", "id": "dog"}
        teller.on_event({**change, "requests": [request]})
        teller.on_event({**change, "change": "met", "requests": []})
        metadata = {"streams.unasked": "alert", "streams.standing_request": "dog"}
        teller.on_event({"type": "response.created", "response": {"metadata": metadata}})
        teller.on_event({"type": "response.created", "response": {"metadata": None}})
        teller.on_event({"type": "response.suppressed", "reason": "voice"})
    told = console.file.getvalue()
    assert "to speak up about (added): Tell me when you see a dog." in told
    assert "to speak up about (met): nothing" in told
    assert told.count("speaking up (alert)") == 1
    assert "not said (voice)" in told
