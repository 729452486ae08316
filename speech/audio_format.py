"""How sound travels as bytes: its type by name, its rate, and the way there and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from speech.audio import Resampler, float_to_pcm16, pcm16_to_float
from speech.g711 import A_LAW, G711_RATE, MU_LAW
from streams.types import AudioChunk, Samples


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono sound at ``rate`` Hz. ``decode`` takes whole samples, of ``sample_bytes`` each."""

    type: str
    rate: int
    sample_bytes: int
    encode: Callable[[Samples], bytes]
    decode: Callable[[bytes], Samples]


PCM16 = AudioFormat("audio/pcm", 24_000, 2, float_to_pcm16, pcm16_to_float)
PCMU = AudioFormat("audio/pcmu", G711_RATE, 1, MU_LAW.encode, MU_LAW.decode)
PCMA = AudioFormat("audio/pcma", G711_RATE, 1, A_LAW.encode, A_LAW.decode)
FORMATS = {each.type: each for each in (PCM16, PCMU, PCMA)}


class AudioEncoder:
    """One stream of sound in a format, continuous however it is cut into chunks of one rate.

    Where the rate changes, what is given lags by the resampler's delay until the flush.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self._resampler: Resampler | None = None

    def push(self, chunk: AudioChunk) -> bytes:
        if self._resampler is None:
            self._resampler = Resampler(chunk.rate, self.format.rate)
        assert chunk.rate == self._resampler.source_rate, "a stream keeps its rate"
        return self.format.encode(self._resampler.push(chunk.samples))

    def flush(self) -> bytes:
        """The rest of the stream."""
        rest = self._resampler.flush() if self._resampler is not None else np.zeros(0, np.float32)
        return self.format.encode(rest)
