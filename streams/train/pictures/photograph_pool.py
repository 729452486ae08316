"""Photographs as a camera shows them: each in several shots, whole or nearly so, drifting a little."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import PIL.Image
import PIL.ImageStat

from streams.train.pictures.photographs import Photograph, read_photograph
from streams.train.pictures.render import as_taken
from streams.train.pictures.scene import HEIGHT, WIDTH
from streams.train.sample import Facts
from streams.types import Image

SHOTS = 3
"""Of each photograph; one of them shows it whole."""
LEAST_SHARE = 0.85
"""So much of width and height each picture shows at least: what a photograph is of stays in it."""
_DRIFT_SHARE = 0.03
"""How far the camera goes between two pictures at most, in shares of width and height."""

Box = tuple[float, float, float, float]


class PhotographPool:
    """Pictures of photographs, as ``PicturePool`` has made ones: ``facts`` of each picture and ``shots``, the
    number of the shot that it is in. The same photographs and seed give the same pictures in any process."""

    def __init__(self, photographs: Sequence[tuple[Photograph, Path]], seed: int = 0) -> None:
        self._paths = [path for _, path in photographs]
        self._seed = seed
        facts: list[Facts] = []
        planned: list[tuple[int, int]] = []  # shot, step
        for shot in range(len(photographs) * SHOTS):
            shown = Facts((photographs[shot // SHOTS][0].thing,), background="photograph")
            for step in range(self._rng(shot).randint(1, 4)):
                facts.append(shown)
                planned.append((shot, step))
        self._planned = tuple(planned)
        self.facts = tuple(facts)
        self.shots = tuple(shot for shot, _ in planned)

    def __len__(self) -> int:
        return len(self.facts)

    def draw(self, number: int) -> Image:
        """Picture ``number``: uint8 RGB [288, 384, 3], bars where it has another shape. Raises IndexError."""
        shot, step = self._planned[number]
        photograph = _read(self._paths[shot // SHOTS])
        box = self.crop(photograph.size, number)
        wide, high = box[2] - box[0], box[3] - box[1]
        scale = min(WIDTH / wide, HEIGHT / high)
        size = min(WIDTH, round(wide * scale)), min(HEIGHT, round(high * scale))
        mean = PIL.ImageStat.Stat(photograph).mean
        picture = PIL.Image.new("RGB", (WIDTH, HEIGHT), (round(mean[0]), round(mean[1]), round(mean[2])))
        part = photograph.resize(size, PIL.Image.Resampling.BILINEAR, box=box)
        picture.paste(part, ((WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2))
        return as_taken(picture, random.Random(f"photograph/{self._seed}/{shot}/{step}"))

    def crop(self, size: tuple[int, int], number: int) -> Box:
        """What picture ``number`` shows of its photograph of ``size`` pixels: left, top, right, bottom."""
        shot, step = self._planned[number]
        width, height = size
        if shot % SHOTS == 0:
            return 0, 0, width, height
        rng = self._rng(shot)
        rng.random()
        share = rng.uniform(LEAST_SHARE + 0.05, 0.98)
        # The longer side is cropped more, towards the shape of the frame.
        shape = width / height / (WIDTH / HEIGHT)
        across = share * max(LEAST_SHARE / share, min(1, 1 / shape))
        down = share * max(LEAST_SHARE / share, min(1, shape))
        left = _drifted(1 - across, step, rng)
        top = _drifted(1 - down, step, rng)
        return left * width, top * height, (left + across) * width, (top + down) * height

    def _rng(self, shot: int) -> random.Random:
        return random.Random(f"photographs/{self._seed}/{shot}")


@lru_cache(maxsize=8)
def _read(path: Path) -> PIL.Image.Image:
    """Not to be changed."""
    return read_photograph(path)


def _drifted(room: float, step: int, rng: random.Random) -> float:
    """Where the crop begins after ``step`` steps within ``room``, both as shares of the side."""
    start, stride = room * rng.uniform(0.25, 0.75), rng.uniform(-_DRIFT_SHARE, _DRIFT_SHARE)
    return min(max(start + step * stride, 0), room)
