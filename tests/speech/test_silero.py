from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import numpy as np
import pytest

from speech.silero import SileroDetector, load_silero, silero_path
from speech.vad import WINDOW_SAMPLES
from streams.errors import ModelNotFoundError
from streams.types import Samples


def windows(samples: Samples) -> list[Samples]:
    whole = len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES
    return list(samples[:whole].reshape(-1, WINDOW_SAMPLES))


def test_the_model_is_found_without_importing_its_package() -> None:
    assert silero_path().is_file()
    assert "silero_vad" not in sys.modules


def test_a_missing_package_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelNotFoundError, match="silero-vad"):
        silero_path()


def test_speech_is_told_from_silence_and_noise(say: Callable[[str], Samples]) -> None:
    detector = SileroDetector(load_silero())
    speech = [detector.push(window) for window in windows(say("The old bridge was closed last winter."))]
    assert np.mean(np.array(speech) > 0.5) > 0.7
    detector.reset()
    noise = 0.05 * np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
    assert max(map(detector.push, windows(noise))) < 0.3
    detector.reset()
    assert max(map(detector.push, windows(np.zeros(32_000, np.float32)))) < 0.1


def test_interleaved_streams_equal_each_alone(say: Callable[[str], Samples]) -> None:
    session = load_silero()
    one, other = (windows(say(text)) for text in ("What was on the table?", "Nobody expected to win."))
    count = min(len(one), len(other))
    alone = []
    for stream in (one, other):
        detector = SileroDetector(session)
        alone.append([detector.push(window) for window in stream[:count]])
    first, second = SileroDetector(session), SileroDetector(session)
    together = [(first.push(a), second.push(b)) for a, b in zip(one, other, strict=False)]
    assert together == list(zip(*alone, strict=True))


def test_reset_forgets(say: Callable[[str], Samples]) -> None:
    stream = windows(say("Please stop."))
    detector = SileroDetector(load_silero())
    first = [detector.push(window) for window in stream]
    assert [detector.push(window) for window in stream] != first
    detector.reset()
    assert [detector.push(window) for window in stream] == first
