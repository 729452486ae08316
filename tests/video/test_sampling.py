import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.config import VideoConfig
from streams.types import Frame
from video.sampling import Decision, RateGrid, Sampler

SECOND = 1_000_000


def frame(at_s, level=None, seed=0):
    if level is None:
        image = (
            np.random.default_rng(seed).integers(0, 256, (9, 16, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        )
    else:
        image = np.full((72, 128, 3), level, dtype=np.uint8)
    return Frame(round(at_s * SECOND), image)


def taken(times_s, fps=1.0):
    grid = RateGrid(fps)
    return [time for time in times_s if grid.take(round(time * SECOND))]


def test_of_a_fast_camera_the_frames_nearest_the_grid_are_taken():
    assert taken([i / 25 for i in range(76)]) == [0, 1, 2, 3]
    assert taken([i / 30 for i in range(61)], fps=2) == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_a_camera_at_the_sampling_rate_keeps_every_frame_in_spite_of_jitter():
    times = [0, 0.93, 2.05, 2.97, 4.04, 4.91, 6.0]
    assert taken(times) == times


def test_a_camera_slower_than_the_rate_keeps_every_frame():
    assert taken([0, 3, 6, 9]) == [0, 3, 6, 9]


def test_a_pause_is_not_made_up_for():
    assert taken([0, 1, 60, 60.1, 60.2, 61]) == [0, 1, 60, 61]


def test_late_frames_are_left_and_a_restarted_clock_begins_again():
    assert taken([10, 11, 10.9, 12, 0.5, 1.0, 1.5]) == [10, 11, 12, 0.5, 1.5]


@given(st.lists(st.integers(0, 10**8), min_size=1).map(sorted), st.sampled_from([0.5, 1.0, 3.0]))
def test_taking_again_takes_all_and_never_more_than_the_rate(times, fps):
    first, again = RateGrid(fps), RateGrid(fps)
    kept = [time for time in times if first.take(time)]
    assert kept[0] == times[0]
    assert len(kept) <= (times[-1] - times[0]) / SECOND * fps + 2
    assert [time for time in kept if again.take(time)] == kept


def test_each_decision_has_its_reason_and_its_count():
    sampler = Sampler(VideoConfig(sample_fps=1, keep_every_s=5))
    decisions = [sampler.offer(frame(t, seed=s)) for t, s in [(0, 1), (0.3, 2), (1, 1), (2, 2), (3, 2)]]
    assert decisions == [Decision.KEEP, Decision.RATE, Decision.DUPLICATE, Decision.KEEP, Decision.DUPLICATE]
    assert sampler.counts == {Decision.KEEP: 2, Decision.RATE: 1, Decision.DUPLICATE: 2}
    assert (sampler.seen, sampler.kept) == (5, 2)


def test_a_still_picture_is_kept_now_and_then():
    sampler = Sampler(VideoConfig(sample_fps=1, keep_every_s=10))
    kept = [t for t in range(35) if sampler.offer(frame(t, seed=7)) is Decision.KEEP]
    assert kept == [0, 10, 20, 30]


def test_a_slow_change_adds_up_until_it_counts():
    sampler = Sampler(VideoConfig(sample_fps=1, duplicate_threshold=0.02, keep_every_s=1000))
    kept = [t for t in range(20) if sampler.offer(frame(t, level=100 + t)) is Decision.KEEP]
    assert kept == [0, 6, 12, 18]  # one level is 0.0039, six are more than 0.02


def test_a_threshold_of_zero_keeps_every_due_frame():
    sampler = Sampler(VideoConfig(sample_fps=1, duplicate_threshold=0))
    assert all(sampler.offer(frame(t, seed=1)) is Decision.KEEP for t in range(3))


def test_a_still_picture_is_kept_after_the_clock_went_back():
    sampler = Sampler(VideoConfig(sample_fps=1, keep_every_s=10))
    assert [sampler.offer(frame(t, seed=1)) for t in (100, 101, 0, 1)] == [
        "keep",
        "duplicate",
        "keep",
        "duplicate",
    ]


def test_the_frame_is_not_touched():
    picture = frame(0, seed=1)
    before = picture.image.copy()
    Sampler(VideoConfig()).offer(picture)
    np.testing.assert_array_equal(picture.image, before)
