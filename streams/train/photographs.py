"""Crops of real photographs, unlabelled: how the connector's gate tells photographs from drawings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageEnhance

from streams.train.pictures.photographs import read_photograph
from streams.train.sample import Facts
from streams.types import Image

LONGEST_PX = 512


class PhotographCrops:
    """``Pictures``: ``each`` crops of every file, mirrored and of varied light and colour; no fact is known.

    The same number and seed give the same crop. None is of the test or of the sample video, if ``files`` are
    those of ``find_unnamed``.
    """

    def __init__(self, files: Sequence[Path], each: int, seed: int) -> None:
        self._files, self._each, self._seed = tuple(files), each, seed
        self.facts: tuple[Facts, ...] = (Facts(()),) * (len(self._files) * each)

    def __len__(self) -> int:
        return len(self.facts)

    @property
    def fingerprint(self) -> str:
        """The files by name and size, and how they are cropped."""
        return repr(([(file.name, file.stat().st_size) for file in self._files], self._each, self._seed))

    def draw(self, number: int) -> Image:
        """Crop ``number``: uint8 RGB [height, width, 3], its longer side at most 512 pixels."""
        rng = np.random.default_rng((self._seed, number))
        return _crop(read_photograph(self._files[number // self._each]), rng)


def _crop(picture: PIL.Image.Image, rng: np.random.Generator) -> Image:
    share, shape = rng.uniform(0.45, 1), np.exp(rng.uniform(-0.3, 0.3))
    width = min(picture.width, round(picture.width * share * shape))
    height = min(picture.height, round(picture.height * share / shape))
    left, top = rng.integers(0, picture.width - width + 1), rng.integers(0, picture.height - height + 1)
    crop = picture.crop((left, top, left + width, top + height))
    crop.thumbnail((LONGEST_PX, LONGEST_PX))
    if rng.random() < 0.5:
        crop = crop.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    crop = PIL.ImageEnhance.Brightness(crop).enhance(rng.uniform(0.7, 1.3))
    return np.asarray(PIL.ImageEnhance.Color(crop).enhance(rng.uniform(0.5, 1.4)))
