"""The memories of one process: opened by name, within budgets for all of them together."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from memory.codec.codecs import CODECS
from memory.disk_budget import forget_unused
from memory.index.growing import GrowingIndex
from memory.index.stored import load_index
from memory.memory import StreamMemory
from memory.notice import Notify, ignore
from memory.pool_config import PoolConfig
from memory.recall.policies import new_policy, resolve_policy
from memory.restore import Embed
from memory.retention.policies import RETENTION_POLICIES
from memory.shape import MemoryShape
from memory.store.identity import DEFAULT_TENANT, SessionKey
from memory.store.session_store import SessionStore
from memory.store.store import MemoryStore
from memory.threads import MemoryThreads
from streams.config import MemoryConfig
from streams.errors import MemoryStoreError, OverloadError
from streams.log import get_logger
from streams.pipeline import Worker

KEEP_EVERY_S = 2.0
READERS = 4
SEGMENTS_MIN = 8
"""A session's disk budget is spread over at least so many segments, so that old ones can go whole."""

log = get_logger(__name__)


class MemoryHost:
    """Opens sessions' memories on one store. ``close`` after the last of them.

    Without ``config.dir`` nothing outlives the process: a temporary folder takes what RAM cannot hold.
    """

    def __init__(self, config: MemoryConfig, shape: MemoryShape, embed: Embed | None = None) -> None:
        """``embed`` makes embeddings of blocks that were kept without. Raises MemoryStoreError when the
        folder cannot be used.
        """
        self._embed = embed
        self._config = config = resolve_policy(config, shape)
        self._shape = shape
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if config.dir is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="streams-memory-")
        folder = Path(self._temporary.name) if self._temporary else (config.dir or Path()).expanduser()
        self.durable = config.dir is not None
        self._segment_bytes = min(config.segment_bytes, max(config.disk_bytes // SEGMENTS_MIN, 1))
        self._store = MemoryStore(folder, segment_bytes=self._segment_bytes, sync=self.durable)
        self._worker = Worker("memory")
        self._trainer = Worker("index")
        self._readers = ThreadPoolExecutor(READERS, "memory-reader")
        self._memories: list[StreamMemory] = []
        self._opening = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="memory-keeper", daemon=True)
        self._watcher.start()

    def open(self, name: str, *, tenant: str = DEFAULT_TENANT, notify: Notify = ignore) -> StreamMemory:
        """The memory of the session ``name``, as it was left if there is one in ``config.dir``.

        Raises MemoryStoreError when it is in use (``session_in_use``), was written for another model or
        tokenizer (``model_mismatch``) or cannot be had; OverloadError when the device budget of all
        sessions is used up.
        """
        with self._lock:
            devices = (len(self._memories) + self._opening + 1) * self._config.device_bytes
            if devices > self._config.total_device_bytes:
                raise OverloadError(
                    f"{len(self._memories)} sessions take the device memory there is for all of them",
                    param="memory.total_device_bytes",
                )
            self._opening += 1
        try:
            memory = self._open(SessionKey(tenant, name), notify)
            with self._lock:
                self._memories.append(memory)
        finally:
            with self._lock:
                self._opening -= 1
        return memory

    def _open(self, key: SessionKey, notify: Notify) -> StreamMemory:
        store = self._store.open(key, self._shape.fingerprint)
        try:
            memory = self._new_memory(store, notify)
            if not store.is_new:
                memory.restore(self._embed)
        except BaseException:
            store.close()
            raise
        return memory

    def find(self, name: str, *, tenant: str = DEFAULT_TENANT) -> None:
        """Raises MemoryStoreError (``session_not_found``) unless a session of this name is kept."""
        self._store.inspect(SessionKey(tenant, name)).close()

    def _new_memory(self, store: SessionStore, notify: Notify) -> StreamMemory:
        config = self._config
        shape = self._shape
        policy = new_policy(
            config,
            layers=shape.index_layers,
            dim=shape.index_dim,
            embedding_dim=shape.embedding_dim,
            new_index=self._new_index,
            load_index=self._load_index,
        )
        pool = PoolConfig(
            config.ram_bytes,
            # One segment is left for compaction, which writes before it deletes.
            config.disk_bytes - self._segment_bytes,
            CODECS[config.codec],
            RETENTION_POLICIES[config.retention],
            self.durable,
        )
        return StreamMemory(
            store,
            config,
            shape,
            policy,
            pool,
            MemoryThreads(self._worker, self._readers),
            notify,
            self._closed,
        )

    def _new_index(self, dim: int) -> GrowingIndex:
        return GrowingIndex(dim, background=self._train)

    def _load_index(self, file: Path, dim: int) -> GrowingIndex:
        return load_index(file, dim, background=self._train)

    def _train(self, job: Callable[[], None]) -> None:
        self._trainer.submit(job)

    def _closed(self, memory: StreamMemory) -> None:
        with self._lock:
            if memory in self._memories:
                self._memories.remove(memory)
        if not self.durable or (memory.is_empty and not memory.keep_empty):
            self._store.remove(memory.key)

    # Housekeeping, on threads of its own.

    def _watch(self) -> None:
        while not self._stop.wait(KEEP_EVERY_S):
            self._worker.submit(self.keep)

    def keep(self) -> None:
        """Bring all sessions together within their budgets, and check those that are idle."""
        with self._lock:
            memories = [*self._memories]
        try:
            self._keep_within_ram(memories)
            if self.durable:
                self._keep_within_disk(memories)
        except MemoryStoreError as error:  # the disk fails, or a session was closed meanwhile
            log.warning("memory.not_within_budget", error=error.message)
        for memory in memories:
            memory.tend()

    def _keep_within_ram(self, memories: list[StreamMemory]) -> None:
        """The largest gives first: blocks in RAM that are on disk are but copies."""
        over = sum(memory.ram_bytes for memory in memories) - self._config.total_ram_bytes
        for memory in sorted(memories, key=lambda each: -each.ram_bytes):
            if over <= 0:
                return
            before = memory.ram_bytes
            memory.shrink(over)
            over -= before - memory.ram_bytes

    def _keep_within_disk(self, memories: list[StreamMemory]) -> None:
        """Sessions that nobody has open give first, those used longest ago at that; then the largest."""
        over = self._store.nbytes - self._config.total_disk_bytes
        if over > 0:
            over -= self._take_from_closed(over, {memory.key for memory in memories})
        for memory in sorted(memories, key=lambda each: -each.disk_bytes):
            if over <= 0:
                return
            before = memory.disk_bytes
            memory.retain(max(before - over, 0))
            over -= before - memory.disk_bytes
        if over > 0:
            log.warning("memory.disk_over_budget", bytes=over, param="memory.total_disk_bytes")

    def _take_from_closed(self, over: int, opened: set[SessionKey]) -> int:
        """Let closed sessions forget until ``over`` bytes are given back; returns how many were."""
        freed = 0
        for summary in sorted(self._store.sessions(), key=lambda each: each.last_used_us):
            if freed >= over:
                break
            if summary.key in opened:
                continue
            try:
                store = self._store.open(summary.key, None)
            except MemoryStoreError:
                continue  # another process has it open
            try:
                freed += forget_unused(store, RETENTION_POLICIES[self._config.retention], over - freed)
            finally:
                store.close()
        return freed

    def nbytes(self) -> dict[str, int]:
        """What all sessions take by tier; on disk those count too that nobody has open.

        Waits for the memories' locks. Raises MemoryStoreError when the catalog cannot be read.
        """
        with self._lock:
            memories = [*self._memories]
        stats = [memory.stats() for memory in memories]
        return {
            "device": sum(each.device_bytes for each in stats),
            "ram": sum(each.ram_bytes for each in stats),
            "disk": self._store.nbytes,
        }

    def check_writable(self) -> None:
        """Raises MemoryStoreError unless the folder takes what is written to it."""
        self._store.check_writable()

    def check_integrity(self) -> None:
        """Assert the invariants of every open memory."""
        for memory in [*self._memories]:
            memory.check_integrity()

    def close(self) -> None:
        """Close what is still open, finish writing and free everything."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._watcher.join()
        for memory in [*self._memories]:
            memory.close()
        self._worker.close()
        self._trainer.close()
        self._readers.shutdown()
        self._store.close()
        if self._temporary is not None:
            self._temporary.cleanup()
