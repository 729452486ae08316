"""The speech models, loaded once, and speech made with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.models import build_registry
from speech.asr import ASR_RATE
from speech.audio import resample
from speech.hibari import HibariSynthesizer
from speech.whisper import WhisperRecognizer
from streams.config import load_config
from streams.types import Samples


@pytest.fixture(scope="session")
def asr_dir() -> Path:
    path = build_registry(load_config(environ=os.environ).models).resolve("asr").path
    assert path is not None
    return path


@pytest.fixture(scope="session")
def recognizer(asr_dir: Path) -> WhisperRecognizer:
    return WhisperRecognizer(str(asr_dir))


@pytest.fixture(scope="session")
def synthesizer() -> HibariSynthesizer:
    return HibariSynthesizer()


@pytest.fixture(scope="session")
def say(synthesizer: HibariSynthesizer) -> Callable[[str], Samples]:
    """Text as sound at 16 kHz, the rate of the detector and the recogniser."""
    return lambda text: resample(synthesizer.synthesize(text), synthesizer.rate, ASR_RATE)
