"""What a picture is like in plain pixels by place: a classifier's last features forget much of colour."""

from __future__ import annotations

import math

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from streams.types import Image

SIDE = 8
"""Pixels of a place, across and down."""
PIXEL_CHANNELS = 3 * SIDE * SIDE


def with_pixels(features: NDArray[np.float32], image: Image) -> NDArray[np.float32]:
    """``features`` [1 + places, channels] with the places' pixels as further channels, from -1 to 1.

    The first row, which is of all places, gets their mean. ``image`` is uint8 [height, width, 3]; places are
    a square grid, row by row, over all of it.
    """
    grid = math.isqrt(len(features) - 1)
    assert grid * grid == len(features) - 1, "places are a square grid"
    side = grid * SIDE
    small = PIL.Image.fromarray(image).resize((side, side), PIL.Image.Resampling.BOX)
    shades = np.asarray(small, dtype=np.float32) / 127.5 - 1
    places = shades.reshape(grid, SIDE, grid, SIDE, 3).transpose(0, 2, 1, 3, 4).reshape(grid * grid, -1)
    pixels = np.concatenate((places.mean(0, keepdims=True), places))
    return np.concatenate((features, pixels), axis=1)
