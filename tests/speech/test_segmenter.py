from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.audio import Rechunker
from speech.segmenter import (
    Segmenter,
    SegmenterConfig,
    SegmenterEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
)
from speech.silero import SileroDetector, load_silero
from speech.vad import WINDOW_SAMPLES, WINDOW_US
from streams.types import Samples

CONFIG = SegmenterConfig(threshold=0.5, prefix_padding_ms=64, silence_duration_ms=160, min_speech_ms=96)
QUICK = SegmenterConfig(threshold=0.5, prefix_padding_ms=0, silence_duration_ms=64, min_speech_ms=0)


def run(segmenter: Segmenter, pattern: str) -> list[SegmenterEvent]:
    """``#`` is voice, ``+`` is between the two thresholds, ``.`` is silence."""
    probabilities = {"#": 0.9, "+": 0.4, ".": 0.1}
    return [event for mark in pattern for event in segmenter.push(probabilities[mark])]


def at(windows: int) -> int:
    return windows * WINDOW_US


def test_one_utterance() -> None:
    assert run(Segmenter(CONFIG), "....####......") == [
        SpeechStarted(at(2), at(4)),
        SpeechPaused(at(8)),
        SpeechStopped(at(13), at(8)),
    ]


def test_a_pause_that_is_not_the_end() -> None:
    assert run(Segmenter(CONFIG), "###...##.....") == [
        SpeechStarted(0, 0),
        SpeechPaused(at(3)),
        SpeechResumed(at(6)),
        SpeechPaused(at(8)),
        SpeechStopped(at(13), at(8)),
    ]


@pytest.mark.parametrize("pattern", ["..##......", ".#.#.#.#.#", "++++++++++", ".........."])
def test_clicks_and_murmurs_are_not_speech(pattern: str) -> None:
    assert run(Segmenter(CONFIG), pattern) == []


def test_a_stop_consonant_is_not_a_pause() -> None:
    assert run(Segmenter(CONFIG), "####..####") == [SpeechStarted(0, 0)]


def test_speech_goes_on_between_the_thresholds_but_does_not_begin_there() -> None:
    assert run(Segmenter(CONFIG), "..+++###+++++++++") == [SpeechStarted(at(3), at(5))]
    # Once silence is being counted, only a clear voice ends it (as Silero's own iterator does).
    assert run(Segmenter(CONFIG), "###.++++")[-1] == SpeechStopped(at(8), at(3))


def test_padding_reaches_neither_before_the_stream_nor_into_the_last_utterance() -> None:
    config = SegmenterConfig(prefix_padding_ms=1_000, silence_duration_ms=96, min_speech_ms=32)
    events = run(Segmenter(config, start_us=5_000_000), ".##...##")
    assert events[0] == SpeechStarted(5_000_000, 5_000_000 + at(1))
    assert events[-1] == SpeechStarted(5_000_000 + at(3), 5_000_000 + at(6))


def test_a_changed_configuration_holds_at_once() -> None:
    segmenter = Segmenter(CONFIG)
    run(segmenter, "####.")
    segmenter.configure(QUICK)
    assert run(segmenter, ".") == [SpeechStopped(at(6), at(4))]


class TestWaitingForAPause:
    """``CONFIG`` waits for five windows of silence."""

    def test_a_shorter_wait_ends_the_utterance_sooner(self) -> None:
        segmenter = Segmenter(CONFIG)
        assert run(segmenter, "####...")[-1] == SpeechPaused(at(4))
        assert segmenter.wait_for(96, at(4))
        assert run(segmenter, ".") == [SpeechStopped(at(8), at(4))]

    def test_a_longer_wait_ends_it_later(self) -> None:
        segmenter = Segmenter(CONFIG)
        run(segmenter, "####...")
        assert segmenter.wait_for(320, at(4))
        assert run(segmenter, "......") == []
        assert run(segmenter, ".") == [SpeechStopped(at(14), at(4))]

    def test_the_last_word_counts(self) -> None:
        segmenter = Segmenter(CONFIG)
        run(segmenter, "####...")
        segmenter.wait_for(96, at(4))
        segmenter.wait_for(256, at(4))
        assert run(segmenter, "....") == []
        assert run(segmenter, ".") == [SpeechStopped(at(12), at(4))]

    def test_it_holds_for_this_pause_alone(self) -> None:
        segmenter = Segmenter(CONFIG)
        run(segmenter, "####...")
        segmenter.wait_for(320, at(4))
        assert run(segmenter, ".#.....") == [
            SpeechResumed(at(8)),
            SpeechPaused(at(9)),
            SpeechStopped(at(14), at(9)),
        ]
        assert run(segmenter, "####.....")[-1] == SpeechStopped(at(23), at(18))

    def test_what_is_said_of_a_pause_that_is_over_changes_nothing(self) -> None:
        segmenter = Segmenter(CONFIG)
        assert not segmenter.wait_for(96, 0)
        run(segmenter, "####...")
        assert not segmenter.wait_for(96, at(3))
        run(segmenter, "#")
        assert not segmenter.wait_for(96, at(4))
        run(segmenter, "...")
        assert not segmenter.wait_for(96, at(4))
        assert run(segmenter, "..") == [SpeechStopped(at(13), at(8))]
        assert not segmenter.wait_for(96, at(8))


def test_flush_ends_an_utterance_and_only_that() -> None:
    segmenter = Segmenter(CONFIG)
    assert segmenter.flush() == []
    run(segmenter, "####.")
    assert segmenter.flush() == [SpeechStopped(at(5), at(4))]
    assert segmenter.flush() == []


@given(st.lists(st.floats(0, 1), max_size=200), st.sampled_from([CONFIG, QUICK, SegmenterConfig()]))
def test_events_alternate_and_times_never_go_back(
    probabilities: list[float], config: SegmenterConfig
) -> None:
    segmenter, state, last_us = Segmenter(config), "silence", 0
    moves = {
        ("silence", SpeechStarted): "speech",
        ("speech", SpeechPaused): "pause",
        ("pause", SpeechResumed): "speech",
        ("speech", SpeechStopped): "silence",
        ("pause", SpeechStopped): "silence",
    }
    for event in [event for p in probabilities for event in segmenter.push(p)] + segmenter.flush():
        state = moves[state, type(event)]
        heard_us = event.voice_end_us if isinstance(event, SpeechStopped) else event.at_us
        assert last_us <= heard_us <= len(probabilities) * WINDOW_US
        last_us = heard_us
    assert state == "silence"


def test_sentences_with_pauses_between_them(say: Callable[[str], Samples]) -> None:
    silence = np.zeros(16_000, np.float32)
    clips = [say(text) for text in ("What was on the table?", "Please stop.", "The library opens at eight.")]
    sound = np.concatenate([silence, *(part for clip in clips for part in (clip, silence))])
    detector, segmenter = SileroDetector(load_silero()), Segmenter(SegmenterConfig())
    events = [
        event
        for window in Rechunker(WINDOW_SAMPLES, 16_000).push(sound)
        for event in segmenter.push(detector.push(window.samples))
    ]
    started = [event for event in events if isinstance(event, SpeechStarted)]
    stopped = [event for event in events if isinstance(event, SpeechStopped)]
    assert len(started) == len(stopped) == 3
    begin = len(silence)
    for clip, start, stop in zip(clips, started, stopped, strict=True):
        loud = np.flatnonzero(np.abs(clip) > 0.05 * np.abs(clip).max())
        assert abs(start.voice_us - (begin + loud[0]) * 62.5) < 150_000
        assert abs(stop.voice_end_us - (begin + loud[-1]) * 62.5) < 200_000
        assert stop.at_us - stop.voice_end_us == 16 * WINDOW_US
        begin += len(clip) + len(silence)
