from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.audio import (
    Rechunker,
    Resampler,
    float_to_pcm16,
    pcm16_to_float,
    resample,
    write_wav,
)
from streams.errors import InvalidRequestError, MediaError
from tests.wav import read_wav


@given(st.binary(max_size=400).filter(lambda pcm: len(pcm) % 2 == 0))
def test_pcm16_survives_the_way_to_float_and_back(pcm: bytes) -> None:
    samples = pcm16_to_float(pcm)
    assert samples.dtype == np.float32
    assert float_to_pcm16(samples) == pcm


def test_loud_samples_are_clipped_not_wrapped() -> None:
    assert float_to_pcm16(np.array([2.0, -2.0, 1.0, 0.0], np.float32)) == (
        b"\xff\x7f" + b"\x00\x80" + b"\xff\x7f" + b"\x00\x00"
    )


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(MediaError, match="half a sample"):
        pcm16_to_float(b"\x00\x00\x00")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 5_000), max_size=8),
    st.sampled_from(
        [(24_000, 16_000), (16_000, 24_000), (48_000, 16_000), (8_000, 16_000), (44_100, 16_000)]
    ),
)
def test_a_resampled_stream_has_the_exact_length_however_it_is_cut(
    lengths: list[int], rates: tuple[int, int]
) -> None:
    source, target = rates
    sound = np.random.default_rng(0).uniform(-1, 1, sum(lengths)).astype(np.float32)
    resampler, parts, at = Resampler(source, target), [], 0
    for length in lengths:
        parts.append(resampler.push(sound[at : at + length]))
        at += length
    streamed = np.concatenate([*parts, resampler.flush()])
    assert len(streamed) == -(-len(sound) * target // source)
    np.testing.assert_allclose(streamed, resample(sound, source, target), atol=1e-6)


def test_resampling_keeps_the_tone_and_its_phase() -> None:
    times = np.arange(24_000) / 24_000
    tone = np.sin(2 * np.pi * 440 * times).astype(np.float32)
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(resample(tone, 24_000, 16_000)[200:-200], expected[200:-200], atol=0.01)


def test_a_stream_lags_by_little_before_the_flush() -> None:
    resampler = Resampler(24_000, 16_000)
    given_out = sum(len(resampler.push(np.zeros(480, np.float32))) for _ in range(50))
    assert 16_000 - 32 <= given_out <= 16_000


def test_a_resampler_begins_anew_after_its_flush() -> None:
    sound = np.random.default_rng(1).uniform(-1, 1, 3_000).astype(np.float32)
    resampler = Resampler(24_000, 16_000)
    first = np.concatenate([resampler.push(sound), resampler.flush()])
    second = np.concatenate([resampler.push(sound), resampler.flush()])
    np.testing.assert_array_equal(first, second)
    assert len(resampler.flush()) == 0


def test_a_rate_of_zero_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequestError) as error:
        Resampler(0, 16_000)
    assert error.value.param == "rate"


@given(st.lists(st.integers(0, 900), max_size=12))
def test_windows_keep_every_sample_and_count_their_time(lengths: list[int]) -> None:
    sound = np.arange(sum(lengths), dtype=np.float32)
    rechunker, windows, at = Rechunker(512, 16_000, start_us=7), [], 0
    for length in lengths:
        windows += rechunker.push(sound[at : at + length])
        at += length
    windows += rechunker.flush()
    assert all(len(window.samples) == 512 for window in windows)
    assert [window.pts_us for window in windows] == [7 + 32_000 * n for n in range(len(windows))]
    joined = np.concatenate([np.zeros(0, np.float32), *(window.samples for window in windows)])
    np.testing.assert_array_equal(joined[: len(sound)], sound)
    assert not joined[len(sound) :].any()


def test_wav_files(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 1_000).astype(np.float32)
    write_wav(tmp_path / "a.wav", samples, 24_000)
    read, rate = read_wav(tmp_path / "a.wav")
    assert rate == 24_000
    np.testing.assert_allclose(read, samples, atol=2 / 32_768)
