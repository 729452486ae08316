import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gateway.models import build_registry
from streams.config import load_config


@pytest.fixture(scope="session")
def registry():
    return build_registry(load_config(environ=os.environ).models)


@pytest.fixture(scope="session")
def vision_dir(registry):
    return registry.resolve("vision").path


@pytest.fixture(scope="session")
def photograph(registry):
    """The path of one of the sample photographs or clips, by file name."""
    folder = registry.resolve("sample").path
    return lambda name: next(Path(folder).rglob(name))


@pytest.fixture(scope="session")
def make_video():
    """Writes a real video: picture i is filled with grey level 10 * i, the sound is a 440 Hz tone."""

    def make(path, *, frames=20, fps=10, sound=True, picture=True, options=None, first_pts=0, rotation=0):
        with av.open(path, "w", options=options or {}) as container:
            if picture:
                video = container.add_stream("libx264", rate=fps, options={"g": "5", "bf": "2"})
                video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
                video.time_base = Fraction(1, fps)
                if rotation:
                    video.set_display_rotation(rotation)
            if sound:
                audio = container.add_stream("aac", rate=44_100)
                audio.layout = "mono"
            samples = 44_100 // fps
            for i in range(frames):
                if picture:
                    image = np.full((48, 64, 3), 10 * i % 250, dtype=np.uint8)
                    image[:24, :32] = 255  # the upper left is white
                    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                    frame.pts, frame.time_base = first_pts + i, Fraction(1, fps)
                    container.mux(video.encode(frame))
                if sound:
                    times = np.arange(i * samples, (i + 1) * samples) / 44_100
                    tone = 0.5 * np.sin(2 * np.pi * 440 * times, dtype=np.float32)[np.newaxis]
                    heard = av.AudioFrame.from_ndarray(tone.astype(np.float32), format="fltp", layout="mono")
                    heard.rate, heard.pts = 44_100, i * samples
                    heard.time_base = Fraction(1, 44_100)
                    container.mux(audio.encode(heard))
            for stream in container.streams:
                container.mux(stream.encode(None))
        return path

    return make
