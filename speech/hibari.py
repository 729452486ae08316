"""Speech synthesis by Hibari: Kokoro-82M (Hexgrad, 2025) distilled to 8 MB, on ONNX Runtime."""

from __future__ import annotations

from threading import Lock

import numpy as np
from hibari import SAMPLE_RATE, Hibari
from hibari.voices import VOICES, voice_path

from speech.spoken import spoken
from streams.errors import InvalidRequestError
from streams.types import Samples

MIN_SPEED, MAX_SPEED = 0.5, 2.0
SEED = 0


def local_voices() -> tuple[str, ...]:
    """The voices whose files are on this machine: "heart" ships inside the package."""
    return tuple(name for name in VOICES if _is_local(name))


def _is_local(name: str) -> bool:
    try:
        voice_path(name, download_missing=False)
    except FileNotFoundError:
        return False
    return True


class HibariSynthesizer:
    """English at 24 kHz, on one thread. Loads a voice when it is first asked for; never downloads one."""

    name = "hibari"
    rate: int = SAMPLE_RATE
    speeds = (MIN_SPEED, MAX_SPEED)

    def __init__(self, voice: str = "heart") -> None:
        self.voices = local_voices()
        self._default = voice
        self._loaded: dict[str, Hibari] = {}
        self._loading = Lock()
        self._model(voice)

    def synthesize(self, text: str, *, voice: str | None = None, speed: float = 1.0) -> Samples:
        """``text`` as float32 mono at 24 kHz; empty when nothing in it can be spoken.

        Raises InvalidRequestError for a voice that is not here (``voice``) and for a ``speed`` outside
        0.5..2.0, which is what the model was made for.
        """
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise InvalidRequestError(
                f"speed {speed} is outside the {MIN_SPEED} to {MAX_SPEED} that {self.name} speaks at",
                param="speed",
            )
        model = self._model(voice or self._default)
        return np.asarray(model(spoken(text), speed=speed, seed=SEED), np.float32)

    def _model(self, voice: str) -> Hibari:
        if voice not in self.voices:
            raise InvalidRequestError(
                f"unknown voice '{voice}'; here are: {', '.join(self.voices)}", param="voice"
            )
        with self._loading:
            if voice not in self._loaded:
                model = Hibari(voice=voice, threads=1)
                # The first call loads the lexicon (0.3 s), and not under a lock of its own.
                model("Ready, unpronounceabling.", seed=SEED)
                self._loaded[voice] = model
            return self._loaded[voice]
