"""What a session's memory works with at the same time."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from threading import RLock

from streams.pipeline import Worker


@dataclass(frozen=True, slots=True, eq=False)
class MemoryThreads:
    """``worker`` writes, ``readers`` read from disk; both are shared by all sessions of a host.

    ``lock`` is one session's, and guards what its memory and the parts of it hold.
    """

    worker: Worker
    readers: Executor
    lock: RLock = field(default_factory=RLock)
