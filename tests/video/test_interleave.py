from hypothesis import given
from hypothesis import strategies as st

from video.interleave import Interleaver


def test_waits_until_no_track_can_bring_anything_earlier():
    merged = Interleaver(2, hold_us=1_000)
    merged.push(0, 100, "a")
    assert list(merged.pop_ready()) == []
    merged.push(1, 50, "b")
    assert list(merged.pop_ready()) == [(50, "b")]
    assert list(merged.drain()) == [(100, "a")]


def test_a_silent_track_holds_nothing_up_for_longer_than_the_hold():
    merged = Interleaver(2, hold_us=1_000)
    popped = []
    for pts in range(0, 5_000, 100):
        merged.push(0, pts, pts)
        popped += [item for _, item in merged.pop_ready()]
    assert popped == list(range(0, 3_900, 100))


@given(st.lists(st.lists(st.integers(0, 1_000)).map(sorted), min_size=1, max_size=3), st.randoms())
def test_merges_like_sorting_and_loses_nothing(tracks, random):
    merged = Interleaver(len(tracks), hold_us=10_000)
    waiting = [list(track) for track in tracks]
    out = []
    while any(waiting):
        track = random.choice([i for i, items in enumerate(waiting) if items])
        merged.push(track, waiting[track][0], None)
        waiting[track].pop(0)
        out += [pts for pts, _ in merged.pop_ready()]
    out += [pts for pts, _ in merged.drain()]
    assert out == sorted(pts for track in tracks for pts in track)
