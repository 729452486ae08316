"""Sets of icons in Iconify's JSON form (an SVG body under each name), drawn once as small pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import resvg_py

from streams.errors import MediaError
from streams.train.pictures.scene import DRAWING_PX
from streams.train.pictures.vocabulary import NOUNS


def render_icons(members: Path, out: Path) -> None:
    """Draw all things of the vocabulary that the set in ``members`` has: ``<noun>.png`` in ``out``, RGBA.

    Raises MediaError when a body cannot be drawn.
    """
    icon_set = json.loads((members / "icons.json").read_text("utf-8"))
    by_name = {_plain(name): name for name in (*icon_set["icons"], *icon_set.get("aliases", {}))}
    for noun in NOUNS.values():
        found = next((by_name[_plain(icon)] for icon in noun.icons if _plain(icon) in by_name), None)
        if found is not None:
            svg = _svg(icon_set, found)
            try:
                png = resvg_py.svg_to_bytes(svg_string=svg, width=DRAWING_PX, skip_system_fonts=True)
            except ValueError as error:
                raise MediaError(f"icon {found} of {icon_set['prefix']}: {error}", param=found) from error
            (out / f"{noun.name}.png").write_bytes(bytes(png))


def _plain(name: str) -> str:
    # Sets agree on the words of a name but not on the hyphens between them.
    return name.replace("-", "").lower()


def _svg(icon_set: dict[str, Any], name: str) -> str:
    aliases: dict[str, Any] = icon_set.get("aliases", {})
    while name in aliases:
        name = aliases[name]["parent"]
    icon = icon_set["icons"][name]
    left, top = icon.get("left", 0), icon.get("top", 0)
    width = icon.get("width", icon_set.get("width", 16))
    height = icon.get("height", icon_set.get("height", 16))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}" color="#000000">{icon["body"]}</svg>'
    )
