"""Crops of real photographs, unlabelled: how the connector's gate tells photographs from drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageEnhance

from streams.errors import ModelNotFoundError
from streams.types import Image

NOT_PHOTOGRAPHS = frozenset({"clock_motion"})
HELD_OUT = frozenset({"astronaut", "flower", "coffee", "motorcycle_left"})
"""Of the sample photographs: for validation."""
LONGEST = 512


def photograph_crops(folder: Path, count: int, *, held_out: bool, seed: int) -> list[Image]:
    """``count`` crops of each photograph in ``folder``, uint8 RGB, mirrored and of varied light and colour.

    Raises ModelNotFoundError when there are none.
    """
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.suffix in (".png", ".jpg")
        and file.stem not in NOT_PHOTOGRAPHS
        and (file.stem in HELD_OUT) == held_out
    ]
    if not files:
        raise ModelNotFoundError(f"{folder} holds no photographs", param=str(folder))
    rng = np.random.default_rng(seed)
    return [_crop(file, rng) for file in files for _ in range(count)]


def _crop(file: Path, rng: np.random.Generator) -> Image:
    picture = PIL.Image.open(file).convert("RGB")
    share, shape = rng.uniform(0.45, 1), np.exp(rng.uniform(-0.3, 0.3))
    width = min(picture.width, round(picture.width * share * shape))
    height = min(picture.height, round(picture.height * share / shape))
    left, top = rng.integers(0, picture.width - width + 1), rng.integers(0, picture.height - height + 1)
    crop = picture.crop((left, top, left + width, top + height))
    crop.thumbnail((LONGEST, LONGEST))
    if rng.random() < 0.5:
        crop = crop.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    crop = PIL.ImageEnhance.Brightness(crop).enhance(rng.uniform(0.7, 1.3))
    return np.asarray(PIL.ImageEnhance.Color(crop).enhance(rng.uniform(0.5, 1.4)))
