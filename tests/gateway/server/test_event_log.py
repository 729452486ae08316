from hypothesis import given
from hypothesis import strategies as st

from gateway.server.event_log import EventLog

START = "event_start"


def filled(count, bound_bytes=10_000, size=10):
    log = EventLog(bound_bytes, before=START)
    events = [(f"event_{number}", str(number).rjust(size)) for number in range(count)]
    for event_id, event in events:
        log.append(event_id, event)
    return log, [event for _, event in events]


def test_what_followed_the_last_event_that_arrived_is_told_again():
    log, events = filled(5)
    replay = log.replay("event_2")
    assert list(replay.messages) == events[3:]
    assert not replay.gap


def test_how_much_sound_is_told_again():
    log = EventLog(10_000, before=START)
    for number, sound_us in enumerate([100, 0, 20, 3]):
        log.append(f"event_{number}", "…", sound_us)
    assert log.replay("event_0").sound_us == 23


def test_before_the_first_event_nothing_is_missing():
    log, events = filled(3)
    replay = log.replay(START)
    assert list(replay.messages) == events
    assert not replay.gap


def test_what_arrived_is_kept_no_longer():
    log, _ = filled(5)
    log.replay("event_3")
    assert log.size_bytes == 10
    assert log.replay("event_1").gap


def test_past_its_bound_it_keeps_the_newest_and_says_what_is_lost():
    log, events = filled(5, bound_bytes=30)
    assert log.size_bytes == 30
    assert not log.replay("event_1").gap
    assert list(log.replay("event_1").messages) == events[2:]
    log, events = filled(5, bound_bytes=30)
    replay = log.replay("event_0")
    assert replay.gap
    assert list(replay.messages) == events[2:]


def test_an_event_larger_than_the_bound_is_not_kept():
    log, _ = filled(1, bound_bytes=9)
    assert log.size_bytes == 0
    assert log.replay(START).gap
    assert not log.replay("event_0").gap


def test_an_event_that_is_not_kept_may_have_been_the_last_to_arrive():
    log, events = filled(4)
    log.replay("event_1")
    log.precede("event_resumed")
    replay = log.replay("event_resumed")
    assert list(replay.messages) == events[2:]
    assert not replay.gap


@given(st.data())
def test_wherever_it_is_cut_the_client_sees_every_event_once_and_in_order(data):
    """Each cut: some events are told, of all told only some arrive, and the client comes back."""
    log, told, arrived = EventLog(10_000, before=START), 0, []
    last = START
    for cut in range(data.draw(st.integers(0, 8))):
        for _ in range(data.draw(st.integers(0, 5))):
            log.append(f"event_{told}", str(told))
            told += 1
        pending = [("resumed", f"resumed_{cut}")]
        replay = log.replay(last)
        assert not replay.gap
        log.precede(f"resumed_{cut}")
        pending += [(message, f"event_{message}") for message in replay.messages]
        for message, event_id in pending[: data.draw(st.integers(0, len(pending)))]:
            last = event_id
            if message != "resumed":
                arrived.append(int(message))
    arrived += [int(message) for message in log.replay(last).messages]
    assert arrived == list(range(told))
