from hypothesis import given
from hypothesis import strategies as st

from streams.backlog import Backlog


def test_what_did_not_arrive_is_known_by_its_number():
    backlog = Backlog(100)
    for message in ("a", b"b", "c"):
        backlog.append(message)
    assert backlog.after(1) == [b"b", "c"]
    assert backlog.after(3) == []
    assert backlog.missing(1) == 0


def test_past_its_bound_the_oldest_are_kept_no_longer():
    backlog = Backlog(3)
    for message in ("aa", "b", "cc"):
        backlog.append(message)
    assert backlog.after(0) == ["b", "cc"]
    assert backlog.missing(0) == 1
    assert backlog.missing(1) == 0


def test_a_message_larger_than_the_bound_is_kept_alone():
    backlog = Backlog(3)
    assert backlog.has_room("large")
    backlog.append("a")
    assert not backlog.has_room("large")
    backlog.append("large")
    assert backlog.after(0) == ["large"]


@given(st.lists(st.binary(max_size=5)), st.integers(1, 20), st.data())
def test_kept_and_missing_are_all_there_was(messages, bound_bytes, data):
    backlog = Backlog(bound_bytes)
    for message in messages:
        backlog.append(message)
    arrived = data.draw(st.integers(0, len(messages)))
    missing = backlog.missing(arrived)
    assert backlog.after(arrived) == messages[arrived + missing :]
    assert sum(map(len, backlog.after(0))) <= max(bound_bytes, max(map(len, messages), default=0))
