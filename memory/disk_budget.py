"""Keeps what a session has on disk within a budget."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from threading import RLock
from typing import TypeAlias

from memory.block import SINKS_ID
from memory.retention.policy import RetentionPolicy
from memory.store.session_store import SessionStore
from streams.log import get_logger

SLACK = 32
"""Past a budget 1/32 of it more is freed, so that not every block has to make room."""

COMPACT_SHARES = (0.5, 0.25, 0.0)
"""Segments of which so much is dead are rewritten, one share after the other until that is enough."""

log = get_logger(__name__)

Forget: TypeAlias = Callable[[Sequence[int], str], None]
"""Lets go of blocks everywhere but in the store, and says why."""


def forget_unused(store: SessionStore, retention: RetentionPolicy, nbytes: int) -> int:
    """Let a session that nobody uses forget ``nbytes``, as far as it can; how many were given back."""
    before = store.nbytes
    blocks = {info.id for info in store.infos()} - {SINKS_ID}
    budget = DiskBudget(store, retention, RLock(), sealed=blocks, forget=lambda block_ids, why: None)
    budget.keep_within(max(before - nbytes, 0))
    log.warning("memory.forgotten", session=str(store.key), bytes=before - store.nbytes, total=store.removed)
    return before - store.nbytes


class DiskBudget:
    """Reclaims the space of removed blocks first, and forgets blocks by ``retention`` when that won't do."""

    def __init__(
        self,
        store: SessionStore,
        retention: RetentionPolicy,
        lock: RLock,
        *,
        sealed: Container[int],
        forget: Forget,
    ) -> None:
        """Of the blocks ``sealed`` some may go; ``lock`` is held while they are chosen and forgotten."""
        self._store = store
        self._retention = retention
        self._lock = lock
        self._sealed = sealed
        self._forget = forget

    def keep_within(self, disk_bytes: int) -> None:
        """Bring the store down to ``disk_bytes``. Raises MemoryStoreError when the disk fails."""
        over = self._store.nbytes - disk_bytes
        if over <= 0:
            return
        wanted = over + disk_bytes // SLACK - self._store.dead_bytes
        if wanted > 0:
            with self._lock:
                candidates = [each for each in self._store.candidates() if each.info.id in self._sealed]
                chosen = self._retention.choose(candidates, wanted)
                self._forget(chosen, "the disk budget is used up")
            self._store.remove(chosen, reason=self._retention.name)
            self._store.sync()
        for share in COMPACT_SHARES:
            if self._store.nbytes > disk_bytes:
                self._store.compact(share)
