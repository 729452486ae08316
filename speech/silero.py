"""Voice activity by Silero VAD (Silero Team, 2024) on ONNX Runtime."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from speech.onnx import load_onnx
from speech.vad import VAD_RATE, WINDOW_SAMPLES
from streams.errors import ModelNotFoundError
from streams.types import Samples

CONTEXT_SAMPLES = 64
MODEL_FILE = "data/silero_vad.onnx"


def silero_path() -> Path:
    """The model file inside the installed ``silero_vad`` package.

    The package is located but not imported: its import sets the thread count of torch for the whole
    process to one. Raises ModelNotFoundError.
    """
    spec = importlib.util.find_spec("silero_vad")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / MODEL_FILE).is_file():
            return path
    raise ModelNotFoundError("the package silero-vad, with its ONNX model, is not installed", param="vad")


def load_silero(path: Path | None = None) -> onnxruntime.InferenceSession:
    """The weights, to be shared by every stream. One window takes well under 1 ms on one thread."""
    return load_onnx(path or silero_path())


class SileroDetector:
    """The state of one stream: the recurrent state [2, 1, 128] and the last 64 samples heard."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._rate = np.array(VAD_RATE, np.int64)
        self._state: NDArray[np.float32] = np.zeros((2, 1, 128), np.float32)
        self._context: Samples = np.zeros(CONTEXT_SAMPLES, np.float32)

    def push(self, window: Samples) -> float:
        """Probability that ``window`` (512 samples at 16 kHz) holds speech. Advances the state."""
        assert window.shape == (WINDOW_SAMPLES,), window.shape
        sound = np.concatenate([self._context, window])[None]
        output, self._state = self._session.run(
            None, {"input": sound, "state": self._state, "sr": self._rate}
        )
        self._context = window[-CONTEXT_SAMPLES:]
        return float(output[0, 0])

    def reset(self) -> None:
        self._state = np.zeros_like(self._state)
        self._context = np.zeros_like(self._context)
