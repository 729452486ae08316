"""Draws scenes: backdrop, things, lettering, and what a camera and a codec do to them."""

from __future__ import annotations

import io
import random
from functools import cache

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
from numpy.typing import NDArray

from streams.train.pictures.material import Material
from streams.train.pictures.scene import HEIGHT, WIDTH, Backdrop, Item, Lettering, Scene
from streams.types import Image

MARGIN = 32
"""How far a backdrop goes on beyond the frame, for the camera to drift."""
_CLUSTERS = {
    1: ((0.5, 0.5, 1.0),),
    2: ((0.25, 0.5, 0.5), (0.75, 0.5, 0.5)),
    3: ((0.25, 0.27, 0.5), (0.75, 0.27, 0.5), (0.5, 0.76, 0.5)),
    4: ((0.25, 0.25, 0.5), (0.75, 0.25, 0.5), (0.25, 0.75, 0.5), (0.75, 0.75, 0.5)),
    5: ((0.2, 0.2, 0.4), (0.8, 0.2, 0.4), (0.5, 0.5, 0.4), (0.2, 0.8, 0.4), (0.8, 0.8, 0.4)),
}
"""For a count, where each stands in the square and how big, in shares of its side."""


def render(scene: Scene, step: int, material: Material) -> Image:
    """Picture ``step`` of ``scene``: uint8 RGB [HEIGHT, WIDTH, 3], always the same for the same input."""
    dx, dy = scene.drift[0] * step, scene.drift[1] * step
    left, top = MARGIN - max(-MARGIN, min(dx, MARGIN)), MARGIN - max(-MARGIN, min(dy, MARGIN))
    picture = _ground(scene.backdrop, material).crop((left, top, left + WIDTH, top + HEIGHT))
    for index, item in enumerate(scene.items):
        moved = (scene.stride[0] * step, scene.stride[1] * step) if index == 0 else (0, 0)
        _place(picture, item, item.x + dx + moved[0], item.y + dy + moved[1], material)
    if scene.lettering is not None:
        _letter(picture, scene.lettering, dx, dy, material)
    return as_taken(picture, random.Random(scene.seed * 16 + step))


@cache
def _noise() -> NDArray[np.int16]:
    rng = np.random.default_rng(7)
    return np.round(rng.normal(0, 32, (2 * HEIGHT, 2 * WIDTH, 1))).astype(np.int16)


def _ground(backdrop: Backdrop, material: Material) -> PIL.Image.Image:
    rng = np.random.default_rng(backdrop.seed)
    width, height = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
    first, second = (np.array(colour, dtype=np.float32) for colour in backdrop.colours)
    match backdrop.ground:
        case "plain":
            return PIL.Image.new("RGB", (width, height), backdrop.colours[0])
        case "photograph":
            return _part(
                material.view(backdrop.view), backdrop.view < material.landscapes, rng, width, height
            )
        case "gradient":
            share = np.array([[0, rng.random()], [rng.random(), 1]], dtype=np.float32)
        case "clouds":
            share = rng.random((rng.integers(3, 10), rng.integers(4, 14)), dtype=np.float32)
        case "stripes":
            share = np.zeros((1, 2 * int(rng.integers(3, 9))), dtype=np.float32)
            share[:, ::2] = 1
            share = share.T if rng.random() < 0.5 else share
        case "checks":
            rows, columns = int(rng.integers(3, 8)), int(rng.integers(4, 10))
            share = (np.indices((rows, columns)).sum(axis=0) % 2).astype(np.float32)
    small = first + (second - first) * share[..., None]
    smooth = backdrop.ground in ("gradient", "clouds")
    how = PIL.Image.Resampling.BICUBIC if smooth else PIL.Image.Resampling.NEAREST
    return PIL.Image.fromarray(small.astype(np.uint8)).resize((width, height), how)


def _part(
    view: PIL.Image.Image, landscape: bool, rng: np.random.Generator, width: int, height: int
) -> PIL.Image.Image:
    """A part of a landscape, or nearly all of a photograph that shows something."""
    share = rng.uniform(0.4, 1.0) if landscape else rng.uniform(0.85, 1.0)
    wide = share * min(view.width, view.height * width / height)
    high = wide * height / width
    left, top = rng.uniform(0, view.width - wide), rng.uniform(0, view.height - high)
    box = (left, top, left + wide, top + high)
    return view.resize((width, height), PIL.Image.Resampling.BILINEAR, box=box)


def _place(picture: PIL.Image.Image, item: Item, x: int, y: int, material: Material) -> None:
    drawing = material.drawing(item.style, item.name, item.variant)
    if item.tint is not None:
        plain = PIL.Image.new("RGBA", drawing.size, (*item.tint, 255))
        plain.putalpha(drawing.getchannel("A"))
        drawing = plain
    if item.flipped:
        drawing = drawing.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    for across, down, share in _CLUSTERS[item.count]:
        side = item.side * share * (0.92 if item.count > 1 else 1)
        scale = side / max(drawing.size)
        size = (max(1, round(drawing.width * scale)), max(1, round(drawing.height * scale)))
        one = drawing.resize(size, PIL.Image.Resampling.BILINEAR)
        if item.angle:
            one = one.rotate(item.angle, PIL.Image.Resampling.BILINEAR, expand=True)
        at_x, at_y = x + (across - 0.5) * item.side, y + (down - 0.5) * item.side
        picture.paste(one, (round(at_x - one.width / 2), round(at_y - one.height / 2)), one)


def _letter(picture: PIL.Image.Image, lettering: Lettering, dx: int, dy: int, material: Material) -> None:
    trial = material.font(lettering.font, 40).getlength(lettering.text)
    # Sizes in steps of four keep the number of fonts in memory small.
    size_px = max(16, min(96, round(40 * lettering.width / trial / 4) * 4))
    font = material.font(lettering.font, size_px)
    left, top, right, bottom = font.getbbox(lettering.text)
    pad = size_px // 2
    size = (round(right - left) + 2 * pad, round(bottom - top) + 2 * pad)
    board = PIL.Image.new("RGBA", size, (*(lettering.paper or lettering.ink), 0))
    draw = PIL.ImageDraw.Draw(board)
    if lettering.paper is not None:
        draw.rounded_rectangle(
            (0, 0, size[0] - 1, size[1] - 1), pad // 2, (*lettering.paper, 255), (*lettering.ink, 255), 2
        )
    draw.text((pad - left, pad - top), lettering.text, (*lettering.ink, 255), font)
    board = board.rotate(lettering.angle, PIL.Image.Resampling.BILINEAR, expand=True)
    at = (lettering.x + dx - board.width // 2, lettering.y + dy - board.height // 2)
    picture.paste(board, at, board)


def as_taken(picture: PIL.Image.Image, rng: random.Random) -> Image:
    """``picture`` of WIDTH and HEIGHT with some blur, noise and compression, as ``rng`` will have it."""
    if rng.random() < 0.3:
        picture = picture.filter(PIL.ImageFilter.GaussianBlur(rng.uniform(0.4, 1.2)))
    pixels = np.asarray(picture)
    if rng.random() < 0.5:
        x, y = rng.randrange(WIDTH), rng.randrange(HEIGHT)
        noise = _noise()[y : y + HEIGHT, x : x + WIDTH] >> rng.choice((2, 3, 4))
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        memory = io.BytesIO()
        PIL.Image.fromarray(pixels).save(memory, "JPEG", quality=rng.randint(35, 90))
        pixels = np.asarray(PIL.Image.open(memory))
    return pixels
