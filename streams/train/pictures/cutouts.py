"""Photographs of things, cut out along their outlines, and landscapes to put them before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import PIL.Image

from streams.models.artifact import Deb, EmbeddedModel, Source
from streams.train.pictures.scene import DRAWING_PX

_STAMPS = "usr/share/tuxpaint/stamps"
_LANDSCAPES = "usr/share/backgrounds/mate"


def _read() -> dict[str, tuple[str, ...]]:
    lines = files(__package__).joinpath("stamps.txt").read_text("utf-8").splitlines()
    pairs = (line.split(": ") for line in lines if not line.startswith("#"))
    return {noun: tuple(paths.split()) for noun, paths in pairs}


STAMPS: Mapping[str, tuple[str, ...]] = MappingProxyType(_read())
"""By noun, the stamps that show it."""

CUTOUTS = EmbeddedModel(
    role="drawings",
    name="tuxpaint-stamps",
    sources=(
        Source(
            Deb(
                "tuxpaint-stamps-default",
                "2022.06.04-1",
                "pool/main/t/tuxpaint-stamps/tuxpaint-stamps-default_2022.06.04-1_all.deb",
                "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
                160_880_444,
            ),
            tuple(f"{_STAMPS}/{path}.png" for paths in STAMPS.values() for path in paths),
        ),
    ),
    licence="GPL-2.0",
    installed_bytes=12_000_000,
    converter="streams.train.pictures.cutouts:shrink_stamps",
)

LANDSCAPES = EmbeddedModel(
    role="backgrounds",
    name="mate-backgrounds",
    sources=(
        Source(
            Deb(
                "mate-backgrounds",
                "1.26.0-1",
                "pool/main/m/mate-backgrounds/mate-backgrounds_1.26.0-1_all.deb",
                "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
                46_638_500,
            ),
            tuple(
                f"{_LANDSCAPES}/nature/{path}.jpg"
                for path in (
                    "Aqua",
                    "Blinds",
                    "Dune",
                    "GreenMeadow",
                    "RainDrops",
                    "Storm",
                    "Wood",
                )
            ),
        ),
    ),
    licence="GPL-2.0-or-later",
    installed_bytes=3_000_000,
    converter="streams.train.pictures.cutouts:shrink_landscapes",
    format_version=2,
)


def shrink_stamps(members: Path, out: Path) -> None:
    """Stamps as drawings: ``<noun>.png``, and ``<noun>~1.png`` and on for more of the same noun."""
    for noun, paths in STAMPS.items():
        for number, path in enumerate(paths):
            picture = PIL.Image.open(members / f"{PurePosixPath(path).name}.png").convert("RGBA")
            picture = picture.crop(picture.getchannel("A").getbbox())
            picture.thumbnail((DRAWING_PX, DRAWING_PX), PIL.Image.Resampling.LANCZOS)
            picture.save(out / (f"{noun}~{number}.png" if number else f"{noun}.png"))


def shrink_landscapes(members: Path, out: Path) -> None:
    """Landscapes 1,024 pixels wide, as JPEG."""
    for path in sorted(members.iterdir()):
        picture = PIL.Image.open(path).convert("RGB")
        picture.thumbnail((1024, 1024), PIL.Image.Resampling.LANCZOS)
        picture.save(out / f"{path.stem}.jpg", quality=88)
