"""Where a client's pictures come from: a camera, a film, or still pictures."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import TypeAlias

import av
import PIL.Image

from streams.clock import Clock
from streams.errors import ConfigError, MediaError
from streams.types import US_PER_S, Frame, Image
from video.decode import MediaReader
from video.sampling import RateGrid
from video.track import Picture

Shown: TypeAlias = tuple[int, bytes]
"""When it is shown, in microseconds since the start, and its JPEG, PNG or WebP."""

CAMERA = "camera"
STILLS = (".jpg", ".jpeg", ".png", ".webp")
STILL_US = 5 * US_PER_S
"""How long each of several still pictures is shown."""

CAMERAS = {"linux": ("v4l2", "/dev/video0"), "darwin": ("avfoundation", "0"), "win32": ("dshow", "")}
"""FFmpeg's input for cameras by platform, and its first camera where that has a name known beforehand."""


async def show(source: str, fps: float, clock: Clock, *, fast: bool) -> AsyncIterator[Shown]:
    """The pictures of ``source`` at ``fps``, in real time unless ``fast``.

    ``source`` is ``camera``, ``camera:NAME``, a film (file or URL), a picture, which stays, or a folder of
    pictures. Raises ConfigError and MediaError.
    """
    live, pictures = _is_camera(source), open_pictures(source, fps)
    while (picture := await asyncio.to_thread(next, pictures, None)) is not None:
        at_us, encoded = picture
        if live:
            at_us = clock.now_us()
        elif not fast:
            await clock.sleep_until(at_us)
        yield at_us, encoded


def _is_camera(source: str) -> bool:
    return source.partition(":")[0] == CAMERA


def open_pictures(source: str, fps: float) -> Iterator[Shown]:
    if _is_camera(source):
        return camera(source.partition(":")[2], fps)
    path = Path(source)
    if path.is_dir():
        return stills(_pictures_in(path), fps)
    if path.suffix.lower() in STILLS:
        return stills([path], fps)
    return ((frame.pts_us, encode_jpeg(frame.image)) for frame in frames_of(source, fps))


def _pictures_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in STILLS)
    if not found:
        raise ConfigError(f"{folder} has no pictures ({', '.join(STILLS)})", param="--video")
    return found


def stills(paths: list[Path], fps: float) -> Iterator[Shown]:
    """Each for a while; a single one for ever, as a camera that is not moved. Raises MediaError."""
    try:
        encoded = [path.read_bytes() for path in paths]
    except OSError as error:
        raise MediaError(f"cannot read {error.filename}: {error.strerror}", param="--video") from None
    for number in count():
        at_us = round(number * US_PER_S / fps)
        place = at_us // STILL_US if len(encoded) > 1 else 0
        if place >= len(encoded):
            return
        yield at_us, encoded[place]


def camera(name: str, fps: float) -> Iterator[Shown]:
    """What a camera sees now. Raises ConfigError where cameras have no known name, MediaError for none."""
    kind, first = CAMERAS.get(sys.platform, ("", ""))
    if not kind or not (name or first):
        message = "there is no first camera known on this system: name one, as in --video 'camera:video=NAME'"
        raise ConfigError(message, param="--video")
    try:
        container = av.open(name or first, "r", format=kind, options={"framerate": "30"})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise MediaError(f"camera {name or first} cannot be opened: {reason}", param="--video") from None
    grid = RateGrid(fps)
    with container:
        for frame in container.decode(video=0):
            if grid.take(round((frame.time or 0.0) * US_PER_S)):
                yield 0, encode_jpeg(Picture(frame).to_rgb())


def frames_of(video: str | Path, fps: float) -> Iterator[Frame]:
    """The frames of a file, thinned to ``fps``."""
    with MediaReader(video, video_fps=fps) as reader:
        yield from (item for item in reader if isinstance(item, Frame))


def encode_jpeg(image: Image) -> bytes:
    """``image`` as a client sends it."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
