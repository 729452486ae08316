import pytest

from streams.ticket import Ticket, resume_url


def session(event_id, **streams):
    return {"type": "session.updated", "event_id": event_id, "session": {"id": "s", "streams": streams}}


def test_it_shows_the_newest_token_and_the_last_event():
    ticket = Ticket()
    ticket.note({"type": "session.created", "event_id": "1", "session": {"id": "s"}})
    assert ticket.token is None
    ticket.note(session("2", events=[], resume={"token": "first", "grace_s": 30.0}))
    ticket.note(session("3", events=[], resume={"grace_s": 30.0}))
    ticket.note({"type": "response.done", "event_id": "4"})
    assert ticket.grace_s == 30.0
    assert ticket.request() == {"type": "session.resume", "token": "first", "after": "4"}
    ticket.note(session("5", events=[], resume={"token": "second", "grace_s": 30.0}))
    assert ticket.request() == {"type": "session.resume", "token": "second", "after": "5"}


@pytest.mark.parametrize(
    ("url", "resumed"),
    [
        ("ws://host:1/v1/realtime", "ws://host:1/v1/realtime?resume=1"),
        ("wss://host/v1/realtime?model=a&session=b", "wss://host/v1/realtime?model=a&resume=1"),
    ],
)
def test_where_a_session_is_resumed(url, resumed):
    assert resume_url(url) == resumed
