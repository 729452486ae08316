from __future__ import annotations

import os

import numpy as np
import pytest
from transformers import WhisperFeatureExtractor

from gateway.models import build_registry
from speech.asr import ASR_RATE
from speech.silero import silero_path
from speech.smart_turn import WINDOW_SAMPLES, SmartTurn
from streams.config import load_config
from streams.errors import ModelError, ModelNotFoundError

FINISHED = ("What time does the museum close today?", "Turn off the light in the bedroom.", "Yes.")
UNFINISHED = (
    "I wanted to call you yesterday but,",
    "I think it was, um,",
    "I think it was",
)


@pytest.fixture(scope="module")
def turn_dir():
    return build_registry(load_config(environ=os.environ).models).resolve("turn").path


@pytest.fixture(scope="module")
def detector(turn_dir):
    return SmartTurn(turn_dir)


def paused(samples, ms=200):
    """``samples`` up to the last that is loud, and a silence."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return np.pad(samples[: loud[-1]], (0, ms * ASR_RATE // 1_000))


@pytest.mark.parametrize("text", FINISHED)
def test_finished_speech(detector, say, text):
    assert detector.complete(paused(say(text))) > 0.8


@pytest.mark.parametrize("text", UNFINISHED)
def test_unfinished_speech(detector, say, text):
    assert detector.complete(paused(say(text))) < 0.2


def test_features_are_those_of_the_reference(detector, say):
    """As Transformers' extractor makes them for the model: normalised, 8 s, padded in front."""
    sound = paused(say("She walked into the room and,"))
    extractor = WhisperFeatureExtractor(chunk_length=8)
    features = extractor(
        np.pad(sound, (WINDOW_SAMPLES - len(sound), 0)),
        sampling_rate=ASR_RATE,
        max_length=WINDOW_SAMPLES,
        padding="max_length",
        do_normalize=True,
        return_tensors="np",
    ).input_features[0]
    np.testing.assert_allclose(detector.features(sound), features, atol=1e-3)


def test_only_the_last_8_s_count(detector, say):
    sound = np.tile(paused(say("What time does the museum close today?")), 6)
    assert len(sound) > WINDOW_SAMPLES
    assert detector.complete(sound) == detector.complete(sound[-WINDOW_SAMPLES:])


@pytest.mark.parametrize("samples", [0, 1, 160, WINDOW_SAMPLES])
def test_silence_of_any_length_has_a_probability(detector, samples):
    assert 0 <= detector.complete(np.zeros(samples, np.float32)) <= 1


def test_a_missing_or_another_model_is_refused_by_name(tmp_path):
    with pytest.raises(ModelNotFoundError) as caught:
        SmartTurn(tmp_path)
    assert caught.value.param == "models.turn"
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    for file in (tmp_path / "broken.onnx", silero_path()):
        with pytest.raises(ModelError) as caught:
            SmartTurn(file)
        assert caught.value.param == "models.turn"
