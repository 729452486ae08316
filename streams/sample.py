"""The sample video of the demo: real photographs under a slowly moving camera, and real clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import PIL.Image
from av.container import OutputContainer

from gateway.models import build_registry
from streams.config import ModelsConfig
from streams.errors import MediaError
from streams.types import US_PER_S, AudioChunk, Frame, Image, Samples
from video.decode import MediaReader

WIDTH, HEIGHT, FPS = 640, 360, 12
AUDIO_RATE = 24_000
SCENE_S = 18


@dataclass(frozen=True, slots=True)
class Scene:
    """What is seen from ``start_us`` to ``end_us``."""

    name: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class SampleVideo:
    path: Path
    scenes: tuple[Scene, ...]

    @property
    def duration_us(self) -> int:
        return self.scenes[-1].end_us


@dataclass(frozen=True, slots=True)
class Shot:
    """One source file and how the camera moves over it.

    ``begin`` and ``end`` are where the camera looks, as (x, y, width) in shares of the picture:
    the centre of the view and how much of the widest possible view it takes. Of a clip all
    is seen.
    """

    name: str
    file: str
    begin: tuple[float, float, float] = (0.5, 0.5, 1.0)
    end: tuple[float, float, float] = (0.5, 0.5, 1.0)


SHOTS = (
    Shot("a cup of coffee", "coffee.png", (0.50, 0.50, 1.00), (0.50, 0.45, 0.82)),
    Shot("a cat", "chelsea.png", (0.50, 0.40, 0.80), (0.50, 0.50, 1.00)),
    Shot("a motorcycle", "motorcycle_left.png", (0.50, 0.50, 1.00), (0.50, 0.40, 0.80)),
    Shot("bicycles in a city street", "bikes.mp4"),
    Shot("a rocket on its launch pad", "rocket.jpg", (0.50, 0.50, 0.82), (0.50, 0.43, 0.68)),
    Shot("a flower", "flower.jpg", (0.50, 0.50, 1.00), (0.50, 0.60, 0.85)),
    Shot("a camera on a tripod", "camera.png", (0.50, 0.55, 0.95), (0.50, 0.50, 0.80)),
    Shot("an astronaut", "astronaut.png", (0.50, 0.60, 1.00), (0.45, 0.30, 0.80)),
    Shot("a Chinese palace", "china.jpg", (0.50, 0.65, 0.90), (0.50, 0.55, 0.80)),
    Shot("a cartoon rabbit", "bigbuckbunny.mp4"),
)


def sample_media(config: ModelsConfig) -> Path:
    """The folder with the photographs and clips, fetched if need be. Raises ModelError."""
    media = build_registry(config).resolve("sample").path
    assert media is not None
    return media


def make_sample_video(media_dir: Path, out: Path, *, narration: Sequence[AudioChunk] = ()) -> SampleVideo:
    """Write ``out`` (MP4, H.264 640x360 at 12 fps, AAC) and say what it shows when.

    The sources are found by name anywhere under ``media_dir``. ``narration`` is heard at its
    times (at any rate; where it overlaps it adds up), silence elsewhere. The same input gives the
    same film. Raises MediaError for a source that is missing, or narration past the end.
    """
    sources = [_find(media_dir, shot.file) for shot in SHOTS]
    scene_us = SCENE_S * US_PER_S
    scenes = tuple(Scene(shot.name, i * scene_us, (i + 1) * scene_us) for i, shot in enumerate(SHOTS))
    sound = _mix(narration, len(SHOTS) * SCENE_S)
    pictures = (picture for shot, path in zip(SHOTS, sources, strict=True) for picture in _play(shot, path))
    with av.open(out, "w") as container:
        _encode(container, pictures, sound)
    return SampleVideo(out, scenes)


def _find(media_dir: Path, name: str) -> Path:
    found = next(iter(sorted(media_dir.rglob(name))), None)
    if found is None:
        raise MediaError(f"{name} is missing under {media_dir}", param=name)
    return found


def _play(shot: Shot, path: Path) -> Iterator[Image]:
    length = SCENE_S * FPS
    if path.suffix == ".mp4":
        with MediaReader(path, video_fps=FPS) as reader:
            frames = (item for item in reader if isinstance(item, Frame))
            clip = [_view(PIL.Image.fromarray(frame.image), shot.begin) for frame in frames]
        yield from (clip[i % len(clip)] for i in range(length))
    else:
        photo = PIL.Image.open(path).convert("RGB")
        for i in range(length):
            share = (1 - np.cos(np.pi * i / (length - 1))) / 2  # starts and stops softly
            x, y, width = (1 - share) * np.array(shot.begin) + share * np.array(shot.end)
            yield _view(photo, (float(x), float(y), float(width)))


def _view(picture: PIL.Image.Image, look: tuple[float, float, float]) -> Image:
    """The part of ``picture`` the camera looks at, filling the frame; pushed inside where it sticks out."""
    x, y, share = look
    width = share * min(picture.width, picture.height * WIDTH / HEIGHT)
    height = width * HEIGHT / WIDTH
    left = min(max(x * picture.width - width / 2, 0), picture.width - width)
    top = min(max(y * picture.height - height / 2, 0), picture.height - height)
    box = (left, top, left + width, top + height)
    return np.asarray(picture.resize((WIDTH, HEIGHT), PIL.Image.Resampling.BICUBIC, box=box))


def _mix(narration: Sequence[AudioChunk], length_s: int) -> Samples:
    sound = np.zeros(length_s * AUDIO_RATE, dtype=np.float32)
    for chunk in narration:
        samples = _resample(chunk)
        start = chunk.pts_us * AUDIO_RATE // US_PER_S
        if start + len(samples) > len(sound):
            raise MediaError(f"narration ends at {chunk.end_us / US_PER_S:.1f} s, the video at {length_s} s")
        sound[start : start + len(samples)] += samples
    return np.clip(sound, -1, 1)


def _resample(chunk: AudioChunk) -> Samples:
    if chunk.rate == AUDIO_RATE:
        return chunk.samples
    resampler = av.AudioResampler("flt", "mono", AUDIO_RATE)
    frames = [*resampler.resample(_audio_frame(chunk.samples, chunk.rate)), *resampler.resample(None)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def _audio_frame(samples: Samples, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
    frame.rate = rate
    return frame


def _encode(container: OutputContainer, pictures: Iterator[Image], sound: Samples) -> None:
    codec = "libx264" if "libx264" in av.codec.codecs_available else "mpeg4"
    # A fixed number of threads: x264 writes different bytes for different numbers.
    options = {"preset": "veryfast", "crf": "20", "threads": "2"} if codec == "libx264" else {"q:v": "3"}
    video = cast(av.VideoStream, container.add_stream(codec, rate=FPS, options=options))
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.codec_context.gop_size = 2 * FPS
    audio = container.add_stream("aac", rate=AUDIO_RATE)
    audio.layout = "mono"
    per_picture = AUDIO_RATE // FPS
    for i, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = i, Fraction(1, FPS)
        container.mux(video.encode(frame))
        heard = _audio_frame(sound[i * per_picture : (i + 1) * per_picture], AUDIO_RATE)
        heard.pts, heard.time_base = i * per_picture, Fraction(1, AUDIO_RATE)
        container.mux(audio.encode(heard))
    container.mux(video.encode(None))
    container.mux(audio.encode(None))
