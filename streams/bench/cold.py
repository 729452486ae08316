"""Makes reads come from the disk, and says what a process takes."""

from __future__ import annotations

import os
from pathlib import Path


def drop_file_cache(folder: Path) -> None:
    """Ask the system to forget what it has cached of the files under ``folder`` (after writing them out)."""
    for file in folder.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            try:
                os.fsync(handle)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def resident_bytes() -> int:
    """What this process has in RAM."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
