import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from speech.loudspeaker import KEPT_S, Loudspeaker, place
from streams.types import AudioChunk

RATE = 16_000


def chunk(at_ms, values, rate=RATE):
    return AudioChunk(at_ms * 1_000, rate, np.asarray(values, np.float32))


def test_sound_lies_where_it_is_heard_and_zeros_around_it():
    loudspeaker = Loudspeaker()
    loudspeaker.play(chunk(10, np.arange(1, 161)))
    loudspeaker.play(chunk(20, np.arange(161, 321)))
    loudspeaker.play(chunk(100, np.full(160, 7)))
    np.testing.assert_array_equal(loudspeaker.read(158, 4), [0, 0, 1, 2])
    np.testing.assert_array_equal(loudspeaker.read(318, 4), [159, 160, 161, 162])
    np.testing.assert_array_equal(loudspeaker.read(478, 4), [319, 320, 0, 0])
    np.testing.assert_array_equal(loudspeaker.read(1_599, 2), [0, 7])


def test_sound_of_another_rate_is_as_long_and_as_loud():
    loudspeaker = Loudspeaker()
    tone = np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)
    for at in range(10):
        loudspeaker.play(chunk(1_000 + 100 * at, tone[2_400 * at : 2_400 * (at + 1)], 24_000))
    heard = loudspeaker.read(place(1_000_000), RATE)
    expected = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(heard[400:-400], expected[400:-400], atol=0.02)
    assert not loudspeaker.read(0, place(1_000_000) - 8).any()


def test_what_is_withdrawn_is_not_heard_and_what_comes_after_it_is():
    loudspeaker = Loudspeaker()
    loudspeaker.play(chunk(0, np.full(1_600, 1)))
    loudspeaker.play(chunk(100, np.full(1_600, 2)))
    loudspeaker.withdraw(50_000)
    np.testing.assert_array_equal(loudspeaker.read(0, 3_200), [1] * 800 + [0] * 2_400)
    loudspeaker.play(chunk(60, np.full(160, 3)))
    np.testing.assert_array_equal(loudspeaker.read(958, 4), [0, 0, 3, 3])


def test_the_past_is_forgotten_and_the_near_past_is_not():
    loudspeaker = Loudspeaker()
    loudspeaker.play(chunk(0, np.ones(160)))
    loudspeaker.read((KEPT_S - 1) * RATE, 10)
    assert loudspeaker.read(0, 160).all()
    loudspeaker.read((KEPT_S + 1) * RATE, 10)
    assert not loudspeaker.read(0, 160).any()


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12), st.integers(0, 3_000), st.integers(1, 2_000))
def test_any_cut_into_chunks_plays_the_same(sizes, start, count):
    sound = np.arange(1, sum(sizes) + 1, dtype=np.float32)
    whole, cut = Loudspeaker(), Loudspeaker()
    whole.play(AudioChunk(0, RATE, sound))
    at = 0
    for size in sizes:
        cut.play(AudioChunk(at * 1_000_000 // RATE, RATE, sound[at : at + size]))
        at += size
    np.testing.assert_array_equal(cut.read(start, count), whole.read(start, count))
