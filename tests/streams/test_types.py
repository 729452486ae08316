import dataclasses

import numpy as np
import pytest

from streams.types import AudioChunk, Frame, Transcript, Word, format_time

S = 1_000_000


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "00:00"),
        (999_999, "00:00"),
        (61 * S, "01:01"),
        (59 * 60 * S + 59 * S, "59:59"),
        (3_600 * S, "1:00:00"),
        (3_599 * S + 999_999, "59:59"),
        (27 * 3_600 * S + 2 * 60 * S + 3 * S, "27:02:03"),
    ],
)
def test_times_are_read_as_minutes_and_hours(us, text):
    assert format_time(us) == text


@pytest.mark.parametrize(
    ("samples", "rate", "duration_us"),
    [(0, 16_000, 0), (512, 16_000, 32_000), (1, 44_100, 22), (44_100 * 3_600, 44_100, 3_600 * S)],
)
def test_sound_lasts_as_long_as_its_samples(samples, rate, duration_us):
    chunk = AudioChunk(5 * S, rate, np.zeros(samples, np.float32))
    assert chunk.duration_us == duration_us
    assert chunk.end_us == 5 * S + duration_us


def test_a_transcript_reads_as_its_words():
    words = tuple(Word(text, 0, 1) for text in ("Hello,", "you", "there."))
    assert Transcript(words).text == "Hello, you there."
    assert Transcript(()).text == ""


def test_what_flows_cannot_be_changed():
    frame = Frame(0, np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.pts_us = 1
