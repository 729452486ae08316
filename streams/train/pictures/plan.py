"""Makes up scenes with what they show. The truth is known because the scene was made to fit it."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from streams.train.pictures.fonts import WORDS
from streams.train.pictures.material import Material
from streams.train.pictures.scene import HEIGHT, WIDTH, Backdrop, Ground, Item, Lettering, Rgb, Scene
from streams.train.pictures.vocabulary import COLOURS, NOUNS
from streams.train.sample import Facts, Thing

PLACES = {
    "left": (0.22, 0.5),
    "right": (0.78, 0.5),
    "top": (0.5, 0.24),
    "bottom": (0.5, 0.76),
    "middle": (0.5, 0.5),
}
"""Where the middle of a thing lies, in shares of the frame."""
_GROUNDS: tuple[Ground, ...] = (
    "plain", "plain", "gradient", "gradient", "clouds", "clouds", "stripes", "checks",
)  # fmt: skip
_KINDS = {"one": 34, "two": 18, "three": 5, "several": 13, "coloured": 16, "text": 10, "labelled": 4}
"""Kinds of scene and how often each is made, besides whole photographs where there are some."""
_PHOTOGRAPHS = 3
_REAL_SHARE = 0.3
"""How many of the things that are not tinted are photographed, where a split has such."""
_GREY: Rgb = (128, 128, 128)
_DARK_ON = {"white", "yellow", "pink", "orange"}


@dataclass(frozen=True, slots=True)
class Planned:
    """Picture ``step`` of shot ``shot``, not drawn yet, with its facts."""

    facts: Facts
    shot: int
    step: int
    scene: Scene


def plan_pictures(material: Material, seed: int) -> Iterator[Planned]:
    """Shot after shot without end, the same for the same seed and material."""
    shot = 0
    while True:
        yield from _Planner(material, random.Random(f"{material.split}/{seed}/{shot}")).shot(shot)
        shot += 1


class _Planner:
    """Makes one shot."""

    def __init__(self, material: Material, rng: random.Random) -> None:
        self._material = material
        self._rng = rng

    def shot(self, number: int) -> Iterator[Planned]:
        rng = self._rng
        kinds = _KINDS | ({"photograph": _PHOTOGRAPHS} if self._material.shown else {})
        kind = rng.choices(tuple(kinds), tuple(kinds.values()))[0]
        if kind == "photograph":
            yield from self._photograph(number)
            return
        pictures = rng.choice((1, 1, 2, 2, 3, 4))
        ground = rng.choice(_GROUNDS)
        text, lettering, moving = "", None, False
        match kind:
            case "text":
                lettering = self._lettering(WIDTH * rng.uniform(0.4, 0.8), 0.5)
                text, pairs = lettering.text, []
            case "labelled":
                lettering = self._lettering(WIDTH * rng.uniform(0.25, 0.45), 0.77)
                text, pairs = lettering.text, [self._item("top", rng.uniform(0.32, 0.42))]
            case "two":
                places = rng.choice((("left", "right"), ("top", "bottom")))
                share = (0.36, 0.55) if places[0] == "left" else (0.32, 0.44)
                pairs = self._items(places, share)
            case "three":
                pairs = self._items(("left", "middle", "right"), (0.3, 0.4))
            case "several":
                count = rng.randint(2, 5)
                pairs = [self._item("middle", rng.uniform(0.6, 0.9), count=count)]
            case "coloured":
                if rng.random() < 0.3:
                    pairs = self._items(("left", "right"), (0.36, 0.55), coloured=True)
                else:
                    pairs = [self._item(rng.choice(tuple(PLACES)), rng.uniform(0.35, 0.5), coloured=True)]
            case _:
                moving = rng.random() < 0.25
                place = "middle" if moving or rng.random() < 0.4 else rng.choice(tuple(PLACES))
                size = (0.3, 0.42) if moving else (0.45, 0.72) if place == "middle" else (0.35, 0.5)
                pairs = [self._item(place, rng.uniform(*size))]
        items, things = tuple(item for item, _ in pairs), tuple(thing for _, thing in pairs)
        backdrop = self._backdrop(ground, items, things, lettering)
        drift = (rng.randint(-4, 4), rng.randint(-4, 4)) if rng.random() < 0.5 else (0, 0)
        motion, stride = "", (0, 0)
        if moving:
            pictures = rng.choice((3, 3, 4))
            drift = (0, 0)
            motion = rng.choice(("left", "right", "up", "down"))
            items, stride = _set_out(items[0], motion, pictures)
            things = (_without_place(things[0]),)
        scene = Scene(backdrop, items, lettering, drift, stride, rng.getrandbits(31))
        for step in range(pictures):
            moved = motion if step else ""
            yield Planned(Facts(things, text, backdrop.ground, moved), number, step, scene)

    def _photograph(self, number: int) -> Iterator[Planned]:
        rng, material = self._rng, self._material
        which = rng.randrange(len(material.shown))
        name = material.shown[which]
        thing = Thing(name, NOUNS[name].parent)
        view = material.landscapes + which
        backdrop = Backdrop("photograph", (_GREY, _GREY), rng.getrandbits(31), view)
        drift = (rng.randint(-4, 4), rng.randint(-4, 4))
        scene = Scene(backdrop, drift=drift, seed=rng.getrandbits(31))
        for step in range(rng.choice((1, 2, 3))):
            yield Planned(Facts((thing,), background="photograph"), number, step, scene)

    def _items(
        self, places: tuple[str, ...], share: tuple[float, float], *, coloured: bool = False
    ) -> list[tuple[Item, Thing]]:
        pairs: list[tuple[Item, Thing]] = []
        while len(pairs) < len(places):
            item, thing = self._item(places[len(pairs)], self._rng.uniform(*share), coloured=coloured)
            if all(thing.name != other.name for _, other in pairs):
                pairs.append((item, thing))
        return pairs

    def _item(
        self, place: str, share: float, *, count: int = 1, coloured: bool = False
    ) -> tuple[Item, Thing]:
        rng, material = self._rng, self._material
        styles = [style for style in material.styles.values() if style.monochrome == coloured]
        real = [style for style in styles if style.photographed]
        if real and rng.random() < _REAL_SHARE:
            styles = real
        names = sorted({name for style in styles for name in material.things[style.name]})
        while True:
            name = rng.choice(names)
            if count == 1 or not NOUNS[name].mass:
                break
        style = rng.choice([style for style in styles if name in material.things[style.name]])
        noun = NOUNS[name]
        colour = rng.choice(tuple(COLOURS)) if coloured else None if style.photographed else noun.colour
        across, down = PLACES[place]
        side = round(HEIGHT * share)
        item = Item(
            style.name,
            name,
            round(WIDTH * across + rng.uniform(-0.04, 0.04) * WIDTH),
            round(HEIGHT * down + rng.uniform(-0.03, 0.03) * HEIGHT),
            side,
            count,
            rng.choice((0.0, 0.0, rng.uniform(-15, 15))),
            rng.random() < 0.5,
            _varied(COLOURS[colour], rng) if coloured and colour is not None else None,
            rng.randrange(material.things[style.name][name]),
        )
        return item, Thing(name, noun.parent, colour, place, count)

    def _lettering(self, width: float, down: float) -> Lettering:
        rng = self._rng
        dark = _bright(rng, 0.0, 0.3)
        light = _bright(rng, 0.85, 1.0)
        paper: Rgb | None
        ink, paper = (dark, light) if rng.random() < 0.5 else (light, dark)
        return Lettering(
            rng.choice(WORDS),
            rng.randrange(len(self._material.fonts)),
            round(WIDTH * rng.uniform(0.45, 0.55)),
            round(HEIGHT * (down + rng.uniform(-0.03, 0.03))),
            round(width),
            ink,
            paper if rng.random() < 0.7 else None,
            rng.choice((0.0, 0.0, rng.uniform(-6, 6))),
        )

    def _backdrop(
        self, ground: Ground, items: tuple[Item, ...], things: tuple[Thing, ...], lettering: Lettering | None
    ) -> Backdrop:
        rng, material = self._rng, self._material
        real = any(material.styles[item.style].photographed for item in items)
        plain = any(item.tint is not None for item in items) or (lettering and lettering.paper is None)
        if material.landscapes and not plain and rng.random() < (0.6 if real else 0.15):
            view = rng.randrange(material.landscapes)
            return Backdrop("photograph", (_GREY, _GREY), rng.getrandbits(31), view)
        low, high, spread = 0.45, 0.95, 0.22
        if any(item.tint is not None for item in items):
            colours = {thing.colour for thing in things}
            # In front of a grey-blue middle everything is seen; else on what the colour stands off from.
            light, dark = not colours & _DARK_ON, bool(colours & _DARK_ON) and not colours - _DARK_ON
            low, high = (0.85, 0.98) if light else (0.12, 0.35) if dark else (0.5, 0.6)
            spread = 0.08
        elif lettering is not None and lettering.paper is None:
            light = sum(lettering.ink) < 3 * 128
            low, high, spread = (0.8, 0.98, 0.1) if light else (0.12, 0.35, 0.1)
        first = _bright(rng, low, high)
        second = _near(first, spread, low, high, rng)
        return Backdrop(ground, (first, second), rng.getrandbits(31))


def _bright(rng: random.Random, low: float, high: float) -> Rgb:
    """A pale or dark colour whose lightness lies between ``low`` and ``high``."""
    red, green, blue = colorsys.hls_to_rgb(rng.random(), rng.uniform(low, high), rng.uniform(0.05, 0.6))
    return round(255 * red), round(255 * green), round(255 * blue)


def _near(colour: Rgb, spread: float, low: float, high: float, rng: random.Random) -> Rgb:
    hue, light, full = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    light = min(max(light + rng.uniform(-spread, spread), low), high)
    red, green, blue = colorsys.hls_to_rgb((hue + rng.uniform(-0.08, 0.08)) % 1, light, full)
    return round(255 * red), round(255 * green), round(255 * blue)


def _varied(colour: Rgb, rng: random.Random) -> Rgb:
    red, green, blue = (min(max(value + rng.randint(-10, 10), 0), 255) for value in colour)
    return red, green, blue


def _set_out(item: Item, motion: str, pictures: int) -> tuple[tuple[Item, ...], tuple[int, int]]:
    """``item`` at where it sets out, and its stride from picture to picture, so that it crosses the frame."""
    ways = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
    across, down = ways[motion]
    room = (WIDTH if across else HEIGHT) - item.side - 16
    stride = min(70, room // (pictures - 1))
    back = stride * (pictures - 1) // 2
    moved = replace(item, x=item.x - across * back, y=item.y - down * back)
    return (moved,), (across * stride, down * stride)


def _without_place(thing: Thing) -> Thing:
    return replace(thing, place="")
