"""End of turn by Smart Turn v3 (Daily, 2025) on ONNX Runtime: a Whisper tiny encoder and a classifier.

It listens to melody and pace rather than words. Features are Whisper's, of 8 s of sound that is padded
with silence in front and brought to mean 0 and variance 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf

from speech.onnx import load_onnx
from speech.turn import TURN_RATE
from streams.errors import ModelError, ModelNotFoundError
from streams.types import Samples

WINDOW_S = 8
WINDOW_SAMPLES = WINDOW_S * TURN_RATE
INPUT = "input_features"
MELS = 80
FRAMES = 800
MIN_VARIANCE = 1e-7
MODEL_FILE = "smart-turn-v3.2-cpu.onnx"


class SmartTurn:
    """``path`` is the model's file, or a folder that holds ``smart-turn-v3.2-cpu.onnx``.

    About 50 ms of one CPU core a call, however long the sound. Safe to share between threads. Raises
    ModelNotFoundError when there is no such file, ModelError when it is another kind of model.
    """

    def __init__(self, path: Path) -> None:
        file = path / MODEL_FILE if path.is_dir() else path
        if not file.is_file():
            raise ModelNotFoundError(f"no turn model at '{file}'", param="models.turn")
        try:
            self._session = load_onnx(file)
        except (Fail, InvalidGraph, InvalidProtobuf) as error:
            raise ModelError(f"{file} is not a usable ONNX model: {error}", param="models.turn") from error
        inputs = {each.name: each.shape[1:] for each in self._session.get_inputs()}
        if inputs != {INPUT: [MELS, FRAMES]}:
            raise ModelError(
                f"{file} takes {inputs}; a Smart Turn v3 model takes {INPUT} of {MELS} by {FRAMES}",
                param="models.turn",
            )
        self.name = f"smart-turn:{file.stem}"
        self._extractor = FeatureExtractor(feature_size=MELS, chunk_length=WINDOW_S)

    def complete(self, samples: Samples) -> float:
        """Probability that who spoke has finished. Sound longer than 8 s is heard from its end back."""
        probability = self._session.run(None, {INPUT: self.features(samples)[None]})[0]
        return float(probability[0, 0])

    def features(self, samples: Samples) -> NDArray[np.float32]:
        """What the model hears of ``samples``: float32 [80, 800], log mel spectra of the last 8 s."""
        window = samples[-WINDOW_SAMPLES:].astype(np.float32)
        window = np.pad(window, (WINDOW_SAMPLES - len(window), 0))
        window = (window - window.mean()) / np.sqrt(window.var() + MIN_VARIANCE)
        return np.asarray(self._extractor(window, padding=0), np.float32)
