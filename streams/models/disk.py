"""Files of the cache: errors told in its terms, room on the disk, hashes."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import CacheError


@contextmanager
def cache_errors(path: Path, needed_bytes: int = 0) -> Iterator[None]:
    """Turn an OSError while writing ``path`` into a CacheError that says what to do."""
    try:
        yield
    except OSError as error:
        raise cache_error(path, error, needed_bytes) from error


def cache_error(path: Path, error: OSError, needed_bytes: int = 0) -> CacheError:
    """What ``error`` means for the cache at ``path``, where ``needed_bytes`` were still to be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(path, needed_bytes)
    return CacheError(
        f"cannot write the model cache at {path}: {error.strerror or error}. "
        "Make it writable or set models.cache_dir to another folder.",
        param=str(path),
    )


def require_space(path: Path, needed_bytes: int) -> None:
    """Raise CacheError unless the disk of ``path`` (an existing folder) has ``needed_bytes`` free."""
    if shutil.disk_usage(path).free < needed_bytes:
        raise disk_full(path, needed_bytes)


def disk_full(path: Path, needed_bytes: int) -> CacheError:
    folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    return CacheError(
        f"the disk is full: {path} needs {needed_bytes:,} bytes more and {free:,} are free. "
        "Free some space or set models.cache_dir to a folder on another disk; what was downloaded is kept.",
        param=str(path),
    )


def hash_file(file: Path) -> str:
    """SHA-256 of ``file`` in hexadecimal, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
