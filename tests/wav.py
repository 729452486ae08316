"""Reads back the sound files that were written."""

import wave

import numpy as np

from speech.audio import pcm16_to_float


def read_wav(path):
    """Samples [n] as float32, -1..1, and the rate of a mono 16-bit WAV file."""
    with wave.open(str(path), "rb") as file:
        assert (file.getsampwidth(), file.getnchannels()) == (2, 1)
        return pcm16_to_float(file.readframes(file.getnframes())).astype(np.float32), file.getframerate()
