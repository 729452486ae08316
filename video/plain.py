"""Frames of one colour: the one thing a picture says without a model, and a classifier gets wrong."""

from __future__ import annotations

import colorsys

import numpy as np
import PIL.Image

from streams.types import Image

SIDE = 16
MAX_SPREAD = 10
"""How far (of 255) any part of a plain picture may be from another, in any channel."""
HUES = (
    (15, "red"),
    (45, "orange"),
    (70, "yellow"),
    (165, "green"),
    (200, "cyan"),
    (260, "blue"),
    (290, "purple"),
    (335, "pink"),
    (360, "red"),
)


def plain_colour(image: Image) -> str | None:
    """The colour of a picture that holds nothing else ("black", "blue"), or None if it shows something."""
    small = np.asarray(
        PIL.Image.fromarray(image).resize((SIDE, SIDE), PIL.Image.Resampling.BOX), dtype=np.int16
    )
    if int(np.ptp(small.reshape(-1, 3), axis=0).max()) > MAX_SPREAD:
        return None
    red, green, blue = (small.reshape(-1, 3).mean(axis=0) / 255).tolist()
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.15:
        return "black"
    if saturation < 0.12:
        return "white" if value > 0.85 else "grey"
    return next(name for limit, name in HUES if hue * 360 <= limit)
