"""What a process holds, once it has let go of what it can."""

from __future__ import annotations

import ctypes
import gc
from collections import Counter

from streams.bench.cold import resident_bytes

ROOMS = ("streams.", "video.", "speech.", "memory.", "llm.", "gateway.")


def settled_bytes() -> int:
    """What this process has in RAM after a collection, freed pages given back where the C library can."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    return resident_bytes()


def census() -> Counter[str]:
    """Live objects of the project's own classes, by class."""
    gc.collect()
    names = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    return Counter(name for name in names if name.startswith(ROOMS))
