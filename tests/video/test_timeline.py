from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from video.timeline import Timeline, to_us

MS = Fraction(1, 1000)


def test_exact_in_integers_where_floats_are_not():
    assert to_us(2**53 + 1, Fraction(1, 1_000_000)) == 2**53 + 1
    assert to_us(1001, Fraction(1, 30_000)) == 33_366


def test_missing_timestamps_follow_the_last_one():
    timeline = Timeline("video", 0)
    assert [timeline.rebase(pts, MS, 40_000) for pts in (100, None, None)] == [100_000, 140_000, 180_000]


def test_a_small_step_back_is_held_and_a_restart_continues():
    timeline = Timeline("video", 0)
    assert timeline.rebase(5_000, MS, 40_000) == 5_000_000
    assert timeline.rebase(4_900, MS, 40_000) == 5_000_000
    assert timeline.rebase(0, MS, 40_000) == 5_040_000
    assert timeline.rebase(40, MS, 40_000) == 5_080_000


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), max_size=40))
def test_time_never_goes_back(ticks):
    timeline = Timeline("video", 0)
    times = [timeline.rebase(pts, MS, 40_000) for pts in ticks]
    assert times == sorted(times)
    assert all(time >= 0 for time in times)
