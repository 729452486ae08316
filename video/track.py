"""One video or audio track of a container: packets in, timed pictures or sound out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.stream import Stream

from streams.types import US_PER_S, AudioChunk, Image, Samples
from video.sampling import RateGrid
from video.timeline import Timeline

AUDIO_RATE = 16_000
CHUNK_SAMPLES = AUDIO_RATE // 10
GAP_US = 100_000
"""Sound whose timestamp is off its sample count by more than this begins anew at its timestamp."""
DEFAULT_FRAME_US = 40_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame before the costly conversion to RGB."""

    frame: av.VideoFrame

    def to_rgb(self) -> Image:
        """Uint8 [height, width, 3], turned upright by the container's display matrix."""
        image: Image = self.frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        turns = round(self.frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class VideoTrack:
    def __init__(self, stream: av.VideoStream, origin_us: int, fps: float | None) -> None:
        self.stream = stream
        self.skipped = 0
        stream.thread_type = "AUTO"
        self._timeline = Timeline("video", origin_us)
        self._grid = RateGrid(fps) if fps else None
        rate = stream.average_rate
        self._frame_us = round(US_PER_S / rate) if rate else DEFAULT_FRAME_US

    def decode(self, packet: av.Packet[Stream]) -> Iterator[tuple[int, Picture]]:
        """The pictures that ``packet`` completes (none or several). Raises FFmpegError on corrupt data."""
        for frame in packet.decode():
            assert isinstance(frame, av.VideoFrame)
            pts_us = self._timeline.rebase(frame.pts, frame.time_base, self._frame_us)
            if self._grid and not self._grid.take(pts_us):
                self.skipped += 1
            else:
                yield pts_us, Picture(frame)


class AudioTrack:
    """Sound resampled to mono float32 at 16 kHz; its time is counted in samples between gaps."""

    def __init__(self, stream: av.AudioStream, origin_us: int) -> None:
        self.stream = stream
        self._timeline = Timeline("audio", origin_us)
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._start_us = self._heard_us = 0
        self._samples_out = 0

    def decode(self, packet: av.Packet[Stream]) -> Iterator[tuple[int, AudioChunk]]:
        """The sound that ``packet`` completes. Raises FFmpegError on corrupt data."""
        for frame in packet.decode():
            assert isinstance(frame, av.AudioFrame)
            duration_us = frame.samples * US_PER_S // frame.rate
            at_us = self._timeline.rebase(frame.pts, frame.time_base, duration_us)
            form = (frame.format.name, frame.layout.name, frame.rate)
            if self._format != form or abs(at_us - self._heard_us) > GAP_US:
                yield from self.flush()
                self._format = form
                self._resampler = av.AudioResampler("flt", "mono", AUDIO_RATE, CHUNK_SAMPLES)
                self._start_us = self._heard_us = max(at_us, self._end_us)
                self._samples_out = 0
            self._heard_us += duration_us
            assert self._resampler
            yield from map(self._chunk, self._resampler.resample(frame))

    def flush(self) -> Iterator[tuple[int, AudioChunk]]:
        """What the resampler still holds; the next packet starts a new one."""
        if self._resampler:
            yield from map(self._chunk, self._resampler.resample(None))
        self._resampler = self._format = None

    @property
    def _end_us(self) -> int:
        return self._start_us + self._samples_out * US_PER_S // AUDIO_RATE

    def _chunk(self, frame: av.AudioFrame) -> tuple[int, AudioChunk]:
        # Lossy codecs overshoot where a sound breaks off.
        samples: Samples = np.clip(frame.to_ndarray().reshape(-1), -1, 1).astype(np.float32, copy=False)
        chunk = AudioChunk(self._end_us, AUDIO_RATE, samples)
        self._samples_out += len(samples)
        return chunk.pts_us, chunk
