"""What the C library's allocator keeps of memory that was freed."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

MIB = 1024**2
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of glibc's ``mallopt``, from its header."""

SETTINGS: Mapping[int, int] = {M_MMAP_THRESHOLD: 4 * MIB, M_TRIM_THRESHOLD: 64 * MIB, M_ARENA_MAX: 4}
"""Buffers of 4 MiB and more, as of keys and values or of pictures, go back to the system when they are freed.
By itself glibc comes to keep all up to 32 MiB, in an arena for each thread, where what lives longer is put
between them: then each arena grows to the most that it ever held, and stays there."""

ENVIRONMENT = ("MALLOC_", "GLIBC_TUNABLES")
"""Variables that set the same."""


def settle_allocator(environ: Mapping[str, str]) -> bool:
    """Let the process give back what it frees; True where that was done, before threads are started.

    Nothing is done where ``environ`` sets the allocator already, nor with another C library than glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith(ENVIRONMENT) for name in environ):
        return False
    done = [mallopt(setting, value) == 1 for setting, value in SETTINGS.items()]
    return all(done)
