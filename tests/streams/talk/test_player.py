"""What is played, what was heard of it when it is stopped, and what a pause keeps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.talk.player import Played, Player

RATE = 24_000


def ramp(count, start=1):
    return np.arange(start, start + count, dtype=np.float32)


def test_nothing_to_play_is_silence():
    player = Player(RATE)
    np.testing.assert_array_equal(player.pull(4), np.zeros(4))
    assert not player.playing
    assert player.stop() is None


@given(st.lists(st.integers(1, 50), max_size=8), st.lists(st.integers(1, 40), max_size=20))
def test_sound_comes_out_as_it_went_in(lengths, pulls):
    player = Player(RATE)
    sound = ramp(sum(lengths))
    start = 0
    for length in lengths:
        player.put("item", sound[start : start + length])
        start += length
    pulled = np.concatenate([player.pull(count) for count in pulls] or [np.zeros(0, np.float32)])
    both = min(len(sound), len(pulled))
    np.testing.assert_array_equal(pulled[:both], sound[:both])
    assert not pulled[both:].any()
    assert player.playing == (len(sound) > len(pulled))


def test_what_was_heard_is_told_and_the_rest_forgotten():
    player = Player(RATE)
    player.put("reply", ramp(RATE))
    player.pull(RATE // 4)
    assert player.stop() == Played("reply", 250)
    assert not player.pull(10).any()
    assert player.stop() is None


def test_a_reply_that_was_heard_to_its_end_is_not_cut():
    player = Player(RATE)
    player.put("reply", ramp(100))
    player.pull(100)
    assert player.stop() is None


def test_a_reply_that_waits_behind_another_was_not_heard():
    player = Player(RATE)
    player.put("first", ramp(100))
    player.put("second", ramp(100))
    player.pull(100)
    assert player.stop() == Played("second", 0)


def test_each_reply_is_counted_from_its_own_start():
    player = Player(RATE)
    player.put("first", ramp(RATE))
    player.put("second", ramp(RATE))
    player.pull(RATE + RATE // 2)
    assert player.stop() == Played("second", 500)


def test_a_pause_keeps_what_waits_and_lets_more_come():
    player = Player(RATE)
    player.put("reply", ramp(4))
    np.testing.assert_array_equal(player.pull(2), [1, 2])
    player.hold()
    assert player.held
    player.put("reply", ramp(2, start=5))
    assert not player.pull(3).any()
    assert player.playing
    player.resume()
    np.testing.assert_array_equal(player.pull(4), [3, 4, 5, 6])
    assert not player.held


def test_stopping_ends_a_pause():
    player = Player(RATE)
    player.put("reply", ramp(RATE))
    player.pull(RATE // 10)
    player.hold()
    player.pull(RATE // 10)
    assert player.stop() == Played("reply", 100)
    player.put("next", ramp(2))
    np.testing.assert_array_equal(player.pull(2), [1, 2])
