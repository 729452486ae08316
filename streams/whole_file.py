"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streams.errors import ConfigError


@contextmanager
def whole_file(file: Path, param: str, *, shared: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which becomes ``file`` when all went well, and is on the disk then.

    It is its owner's alone, or ``shared``: read by whom the umask lets. Raises ConfigError, with ``param``,
    when it cannot be written.
    """
    partial = file.with_name(f".{file.name[:100]}.{secrets.token_hex(6)}.partial")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(partial, flags, 0o644 if shared else 0o600)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", param=param) from None
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror or error}", param=param) from None
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Return once names created in or taken from ``folder`` are on the disk. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
