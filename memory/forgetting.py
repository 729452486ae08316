"""Takes out of a session's memory what its client wants forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import RLock

from memory.pool import BlockPool
from memory.store.session_store import SessionStore
from memory.window import Window
from streams.errors import MemoryStoreError


def forget(
    block_ids: Sequence[int],
    window: Window,
    pool: BlockPool,
    store: SessionStore,
    lock: RLock,
) -> None:
    """Let go of blocks for good, in the window, RAM, the index and on disk; unknown ids are passed over.

    An answer that is being written goes on with what it attends to. Raises MemoryStoreError when the
    disk fails; they are then gone from everywhere else.
    """
    with suppress(MemoryStoreError):  # those that the disk did not take are not in the store
        pool.flush()
    with lock:
        window.remove(block_ids)
        pool.drop(block_ids)
    store.discard(block_ids)
