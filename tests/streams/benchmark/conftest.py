"""Folders of benchmarks in the shapes that their authors give out, small and made here."""

import json

import av
import numpy as np
import PIL.Image
import pytest

from streams.benchmark.formats import FORMATS
from streams.benchmark.record import Videos

FPS = 2
SCENE_S = 6


@pytest.fixture(scope="session")
def film(models, tmp_path_factory):
    """Six seconds of a cup of coffee, then six of a cat."""
    path = tmp_path_factory.mktemp("benchmark") / "film.mp4"
    folder = models.resolve("sample").path
    with av.open(path, "w") as container:
        video = container.add_stream("mpeg4", rate=FPS, options={"q:v": "3"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        for name in ("coffee.png", "chelsea.png"):
            picture = PIL.Image.open(next(folder.rglob(name))).convert("RGB").resize((320, 240))
            for _ in range(SCENE_S * FPS):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        container.mux(video.encode())
    return path


@pytest.fixture
def folder(tmp_path):
    """An empty folder, and how to put files and videos (empty ones, unless given) into it."""

    class Folder:
        path = tmp_path / "data"

        def put(self, name, document):
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(document if isinstance(document, str) else json.dumps(document))
            return file

        def video(self, name, source=None):
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"" if source is None else source.read_bytes())
            return file

        def read(self, name, **options):
            return FORMATS[name].read(self.path, Videos(self.path, **options))

    return Folder()
