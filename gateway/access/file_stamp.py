"""Whether a file is still the one that was read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Changes when a file is replaced, written to, or given other permissions."""

    inode: int
    size: int
    changed_ns: int


def stamp_of(file: Path) -> FileStamp | None:
    """None while there is no such file."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return FileStamp(status.st_ino, status.st_size, status.st_ctime_ns)
