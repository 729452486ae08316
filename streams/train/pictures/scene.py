"""A scene: what stands where in front of what, before it is drawn. Lengths in pixels of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

WIDTH, HEIGHT = 384, 288
DRAWING_PX = 224
"""Drawings fit into a square of this side."""

Rgb: TypeAlias = tuple[int, int, int]
Ground: TypeAlias = Literal["plain", "gradient", "clouds", "stripes", "checks", "photograph"]


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What lies behind all: drawn from two colours and a seed, or a part of photograph ``view``."""

    ground: Ground
    colours: tuple[Rgb, Rgb]
    seed: int
    view: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """``count`` drawings of one thing around (``x``, ``y``), all together in a square of ``side``.

    ``variant`` is the number of the drawing where a style has several of that thing, ``tint`` the colour of
    a monochrome drawing, ``angle`` in degrees.
    """

    style: str
    name: str
    x: int
    y: int
    side: int
    count: int = 1
    angle: float = 0.0
    flipped: bool = False
    tint: Rgb | None = None
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Lettering:
    """``text`` in a font by its number, ``width`` wide, on a board of colour ``paper`` or on nothing."""

    text: str
    font: int
    x: int
    y: int
    width: int
    ink: Rgb
    paper: Rgb | None = None
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot. From picture to picture all shifts by ``drift`` and the first item by ``stride`` more.

    ``seed`` is that of what each picture suffers: noise, blur, compression.
    """

    backdrop: Backdrop
    items: tuple[Item, ...] = ()
    lettering: Lettering | None = None
    drift: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (0, 0)
    seed: int = 0
