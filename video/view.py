"""Where an encoder looks: crops of a frame, resized to what the network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import PIL.Image

from streams.types import Image

Box: TypeAlias = tuple[float, float, float, float]

REGION_ASPECT = 1.2
"""A frame at least this much wider than high (or higher than wide) is also looked at by halves."""
WIDER = 0.2


@dataclass(frozen=True, slots=True)
class View:
    """A part of a frame: ``box`` is left, top, right, bottom in pixels; ``region`` "" means the whole."""

    region: str
    box: Box

    def closer(self, crop: float) -> View:
        """The middle of this view, ``crop`` of its width and height."""
        left, top, right, bottom = self.box
        x, y = (right - left) * (1 - crop) / 2, (bottom - top) * (1 - crop) / 2
        return View(self.region, (left + x, top + y, right - x, bottom - y))


def whole(image: Image) -> View:
    """The frame entire, which ``look`` squeezes."""
    height, width = image.shape[:2]
    return View("", (0, 0, width, height))


def parts(image: Image, crop: float, *, regions: bool) -> list[View]:
    """What is looked at beside the whole frame to name it: the largest centred square times ``crop`` (how
    classifiers are evaluated); then the two halves, if asked for and the frame is not nearly square.
    """
    height, width = image.shape[:2]
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    square = View("", (left, top, left + side, top + side))
    found = [square.closer(crop)]
    if regions and width >= REGION_ASPECT * height:
        found += [View("left", (0, 0, width / 2, height)), View("right", (width / 2, 0, width, height))]
    elif regions and height >= REGION_ASPECT * width:
        found += [View("top", (0, 0, width, height / 2)), View("bottom", (0, height / 2, width, height))]
    return found


def confirmations(half: View, image: Image, crop: float) -> list[View]:
    """Other looks at what ``half`` shows: its middle, and a fifth wider into the other half."""
    height, width = image.shape[:2]
    left, top, right, bottom = half.box
    x, y = WIDER * (right - left) * (right - left < width), WIDER * (bottom - top) * (bottom - top < height)
    wide = (max(left - x, 0), max(top - y, 0), min(right + x, width), min(bottom + y, height))
    return [half.closer(crop), View(half.region, wide)]


def look(image: Image, view: View, size: tuple[int, int], resample: PIL.Image.Resampling) -> Image:
    """The part of ``image`` in ``view`` as uint8 [height, width, 3] of ``size`` (height, width)."""
    picture = PIL.Image.fromarray(image)
    return np.asarray(picture.resize((size[1], size[0]), resample, box=view.box))
