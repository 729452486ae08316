import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.audio import resample
from speech.audio_format import FORMATS, PCM16, PCMA, PCMU, AudioEncoder
from streams.types import AudioChunk

SOUND = (0.5 * np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000)).astype(np.float32)


def encoded(audio_format, *pieces):
    encoder = AudioEncoder(audio_format)
    return b"".join([*(encoder.push(AudioChunk(0, 24_000, piece)) for piece in pieces), encoder.flush()])


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 24_000), max_size=6), st.sampled_from([*FORMATS.values()]))
def test_a_stream_is_the_same_however_it_is_cut(cuts, audio_format):
    assert encoded(audio_format, *np.split(SOUND, sorted(cuts))) == encoded(audio_format, SOUND)


@pytest.mark.parametrize("audio_format", [PCMU, PCMA])
def test_telephone_sound_is_at_its_rate_in_a_byte_a_sample(audio_format):
    data = encoded(audio_format, SOUND)
    assert len(data) == 8_000
    expected = resample(SOUND, 24_000, 8_000)
    np.testing.assert_allclose(audio_format.decode(data), expected, atol=0.02)


def test_pcm_is_given_at_once():
    encoder = AudioEncoder(PCM16)
    assert len(encoder.push(AudioChunk(0, 24_000, SOUND[:7]))) == 14
    assert encoder.flush() == b""


def test_nothing_pushed_is_nothing():
    assert AudioEncoder(PCMU).flush() == b""
