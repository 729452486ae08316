import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.g711 import A_LAW, MU_LAW

# The first interval of each segment in tables 2a and 1a of G.711, positive: where it begins, the value it
# stands for, and its character signal (of table 1a before the even bits are inverted).
MU_TABLE = [
    (0, 0, 0b1111_1111),
    (1, 2, 0b1111_1110),
    (31, 33, 0b1110_1111),
    (95, 99, 0b1101_1111),
    (223, 231, 0b1100_1111),
    (479, 495, 0b1011_1111),
    (991, 1023, 0b1010_1111),
    (2015, 2079, 0b1001_1111),
    (4063, 4191, 0b1000_1111),
    (7903, 8031, 0b1000_0000),
]
A_TABLE = [
    (0, 1, 0b1000_0000),
    (32, 33, 0b1001_0000),
    (64, 66, 0b1010_0000),
    (128, 132, 0b1011_0000),
    (256, 264, 0b1100_0000),
    (512, 528, 0b1101_0000),
    (1024, 1056, 0b1110_0000),
    (2048, 2112, 0b1111_0000),
    (3968, 4032, 0b1111_1111),
]
POINTS = [(MU_LAW, 4, *row) for row in MU_TABLE]
POINTS += [(A_LAW, 8, begin, value, signal ^ 0b0101_0101) for begin, value, signal in A_TABLE]


def pcm(*values):
    return np.array(values, np.float32) / 32_768


@pytest.mark.parametrize(("law", "scale", "begin", "value", "code"), POINTS)
def test_intervals_are_those_of_the_recommendation(law, scale, begin, value, code):
    assert law.encode(pcm(scale * begin)) == bytes([code])
    np.testing.assert_array_equal(law.decode(bytes([code])), pcm(scale * value))
    negative = code ^ 0x80
    np.testing.assert_array_equal(law.decode(bytes([negative])), pcm(-scale * value))
    if begin:
        assert law.encode(pcm(-scale * begin)) == bytes([negative])
        assert law.encode(pcm(scale * begin - 1)) != bytes([code])


@pytest.mark.parametrize("law", [MU_LAW, A_LAW])
def test_values_keep_their_order_and_move_by_half_an_interval_at_most(law):
    values = pcm(*range(-32_768, 32_768))
    decoded = law.decode(law.encode(values))
    assert np.all(np.diff(decoded) >= 0)
    # A segment's 16 intervals lie between a value and its double, so half of one is a 32nd.
    assert np.all(np.abs(decoded - values) <= (np.abs(values) + pcm(256)) / 32)


@pytest.mark.parametrize("law", [MU_LAW, A_LAW])
@pytest.mark.parametrize("level_db", [-3, -12, -24, -30])
def test_a_tone_keeps_the_distance_from_noise_that_g712_asks_for(law, level_db):
    tone = (10 ** (level_db / 20) * np.sin(np.arange(8_000) * 2 * np.pi * 1_020 / 8_000)).astype(np.float32)
    noise = law.decode(law.encode(tone)) - tone
    assert 10 * np.log10(np.mean(tone**2) / np.mean(noise**2)) >= 33


@given(st.binary(max_size=64))
def test_a_byte_survives_the_way_to_float_and_back_but_for_the_negative_zero(data):
    assert MU_LAW.encode(MU_LAW.decode(data)) == data.replace(b"\x7f", b"\xff")
    assert A_LAW.encode(A_LAW.decode(data)) == data


@pytest.mark.parametrize(("law", "loudest", "quietest"), [(MU_LAW, 0x80, 0x00), (A_LAW, 0xAA, 0x2A)])
def test_what_is_too_loud_is_clipped(law, loudest, quietest):
    assert law.encode(np.array([2, -2], np.float32)) == bytes([loudest, quietest])
