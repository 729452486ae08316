"""Sound as bytes, at other rates, in fixed windows, and as WAV files. Mono throughout.

Time is counted in samples, never taken from the wall, so a stream's timestamps cannot drift (as in
Kyutai's unmute).
"""

from __future__ import annotations

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from streams.errors import InvalidRequestError, MediaError
from streams.types import US_PER_S, AudioChunk, Samples

PCM16_SCALE = 32_768


def pcm16_to_float(pcm: bytes) -> Samples:
    """Signed 16-bit little-endian ``pcm`` as float32 in -1..1. Raises MediaError for half a sample."""
    if len(pcm) % 2:
        raise MediaError(f"PCM16 sound of {len(pcm)} bytes ends in half a sample", param="audio")
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(PCM16_SCALE)


def float_to_pcm16(samples: Samples) -> bytes:
    """``samples`` as signed 16-bit little-endian bytes; what is louder than full scale is clipped."""
    scaled = np.rint(samples * PCM16_SCALE)
    return np.clip(scaled, -PCM16_SCALE, PCM16_SCALE - 1).astype("<i2").tobytes()


class Resampler:
    """Streaming change of sampling rate (FFmpeg's swresample through PyAV).

    Over a whole stream, flushed, the output has exactly ``ceil(n * target / source)`` samples: the
    filter's tail is cut, or padded with silence, to that length. Until the flush it lags by the filter's
    delay (under 2 ms).
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        if source_rate <= 0 or target_rate <= 0:
            raise InvalidRequestError(f"sampling rate {min(source_rate, target_rate)} Hz", param="rate")
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._taken = 0
        self._given = 0
        self._resampler = self._open()

    def push(self, samples: Samples) -> Samples:
        """What is ready at the target rate after ``samples`` at the source rate, possibly nothing."""
        if not len(samples) or self.source_rate == self.target_rate:
            return samples
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples, np.float32)[None], format="flt", layout="mono"
        )
        frame.sample_rate = self.source_rate
        frame.pts = self._taken
        frame.time_base = Fraction(1, self.source_rate)
        self._taken += len(samples)
        return self._collect(self._resampler.resample(frame))

    def flush(self) -> Samples:
        """The rest of the stream. The next ``push`` begins a new stream."""
        if not self._taken:
            return np.zeros(0, np.float32)
        missing = -(-self._taken * self.target_rate // self.source_rate) - self._given
        tail = self._collect(self._resampler.resample(None))
        self._taken = self._given = 0
        self._resampler = self._open()
        return np.pad(tail, (0, max(0, missing - len(tail))))[:missing]

    def _open(self) -> av.AudioResampler:
        return av.AudioResampler(format="flt", layout="mono", rate=self.target_rate)

    def _collect(self, frames: Iterable[av.AudioFrame]) -> Samples:
        parts = [frame.to_ndarray()[0] for frame in frames]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        self._given += len(samples)
        return samples


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """A whole clip at ``target_rate``, exactly ``ceil(n * target / source)`` samples long."""
    resampler = Resampler(source_rate, target_rate)
    return np.concatenate([resampler.push(samples), resampler.flush()])


def trim_start(samples: Samples, rate: int, *, level: float = 0.01, keep_ms: int = 20) -> Samples:
    """``samples`` from ``keep_ms`` before the first one louder than ``level`` on; all when none is."""
    loud = np.flatnonzero(np.abs(samples) > level)
    return samples[max(int(loud[0]) - rate * keep_ms // 1_000, 0) :] if len(loud) else samples


class Rechunker:
    """Cuts a stream of any chunk lengths into windows of ``size`` samples, each with its own ``pts_us``."""

    def __init__(self, size: int, rate: int, start_us: int = 0) -> None:
        self.size = size
        self.rate = rate
        self._start_us = start_us
        self._given = 0
        self._rest: Samples = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> list[AudioChunk]:
        """Every window that ``samples`` completes."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) - len(samples) % self.size
        self._rest = samples[whole:]
        return [self._window(samples[at : at + self.size]) for at in range(0, whole, self.size)]

    def flush(self) -> list[AudioChunk]:
        """The last window, filled up with silence, if samples are left over."""
        if not len(self._rest):
            return []
        rest, self._rest = self._rest, np.zeros(0, np.float32)
        return [self._window(np.pad(rest, (0, self.size - len(rest))))]

    def _window(self, samples: Samples) -> AudioChunk:
        pts_us = self._start_us + self._given * US_PER_S // self.rate
        self._given += len(samples)
        return AudioChunk(pts_us, self.rate, samples)


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Write ``samples`` as a mono 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(float_to_pcm16(samples))
