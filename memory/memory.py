"""One session's memory: window on the device, the rest in RAM and on disk, found through the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from memory.block import SINKS_ID, Block, BlockInfo, Grid
from memory.codec.codecs import decode
from memory.forgetting import forget
from memory.integrity import check
from memory.notes import Notes
from memory.notice import Notify
from memory.pictures import Pictures
from memory.pool import BlockPool
from memory.pool_config import PoolConfig
from memory.recall.policy import Entry, Query, RecallPolicy
from memory.recall.span import EVERYWHERE, Where
from memory.recaller import Recalled, Recaller
from memory.restore import INDEX, Embed, restore
from memory.shape import MemoryShape
from memory.stats import MemoryStats
from memory.store.identity import SessionKey
from memory.store.session_store import SessionStore
from memory.threads import MemoryThreads
from memory.transfer import new_transfer
from memory.window import Window
from streams.config import MemoryConfig
from streams.errors import MemoryStoreError
from streams.events import MemoryReported
from streams.log import get_logger
from streams.types import BlockKind

IDLE_S = 5.0
"""Without a new block for so long a session is idle."""

COMPACT_AT_CLOSE = 0.5
"""Segments of which so much is dead are rewritten then: mostly journals of blocks that left the window."""

log = get_logger(__name__)


class StreamMemory:
    """Keeps blocks and hands them back; nothing here runs the model. Thread-safe.

    In one that is ``durable`` every block is written as soon as it is there; one that is ``restored`` goes
    on where an earlier process left it.
    """

    def __init__(
        self,
        store: SessionStore,
        config: MemoryConfig,
        shape: MemoryShape,
        policy: RecallPolicy,
        pool: PoolConfig,
        threads: MemoryThreads,
        notify: Notify,
        on_close: Callable[[StreamMemory], None],
    ) -> None:
        self.config = config
        self.durable = pool.durable
        self.restored = False
        self.keep_empty = True
        self.notify = notify
        self._store = store
        self._shape = shape
        self.policy = policy
        self._worker = threads.worker
        self._on_close = on_close
        self._lock = threads.lock
        self._transfer = new_transfer(shape.device)
        self._window = Window(frame_tokens=config.window_tokens, dialogue_tokens=config.dialogue_tokens)
        self._pool = BlockPool(
            store,
            pool,
            self._transfer,
            threads,
            reserved=lambda: policy.nbytes,
            on_gone=lambda block_ids: self._recaller.forget(block_ids),
            notify=lambda notice: self.notify(notice),
        )
        self._recaller = Recaller(
            policy, self._pool, config, shape, self._transfer, self._lock, hot_budget=lambda: self._hot_budget
        )
        self.pictures = Pictures(store, threads.worker, durable=pool.durable)
        self.notes = Notes(store, threads.worker, durable=pool.durable)
        self._next_id = SINKS_ID + 1
        self._next_offset = 0
        self._last_us = 0
        self._changed_s: float | None = None
        self._closed = False

    @property
    def key(self) -> SessionKey:
        """The session's, by which it is opened again."""
        return self._store.key

    @property
    def is_empty(self) -> bool:
        """Whether no block was ever taken in."""
        return self._next_id == SINKS_ID + 1

    @property
    def sinks(self) -> Block | None:
        """What the instructions became; None until they are set."""
        return self._window.sinks

    @sinks.setter
    def sinks(self, block: Block) -> None:
        with self._lock:
            self._window.sinks = block
            self._recaller.settle()
            if self.durable:
                self._pool.copy(block, final=True)

    def new_info(
        self, kind: BlockKind, start_us: int, end_us: int, text: str, tokens: int, grid: Grid | None = None
    ) -> BlockInfo:
        """What is known of a block that is about to be read. Ids grow with time."""
        with self._lock:
            info = BlockInfo(self._next_id, kind, start_us, end_us, text, tokens, self._next_offset, grid)
            self._next_id += 1
            self._next_offset += info.span
            return info

    def append(self, block: Block) -> None:
        """Take in the newest block. What leaves the window for it goes to the pool and the index."""
        with self._lock:
            if self._closed:
                log.warning("memory.closed_too_soon", session=self.key.name, block=block.id)
                return
            self._changed_s = time.monotonic()
            self._last_us = max(self._last_us, block.info.end_us)
            if self.durable:
                self._pool.copy(block)
            for leaving in self._window.push(block):
                self._seal(leaving)
            self._recaller.settle()

    def prolong(self, block_id: int, end_us: int) -> bool:
        """What a block tells of lasted until ``end_us``, which is written once it leaves; False if it has."""
        with self._lock:
            here = self._window.prolong(block_id, end_us)
            self._last_us = max(self._last_us, end_us if here else 0)
            return here

    def _seal(self, block: Block) -> None:
        self._pool.allocate(block, changed=self._window.take_prolonged(block.id))
        try:
            self.policy.add(Entry.of(block))
        except MemoryStoreError as error:  # numbers that no index can hold
            self._pool.give_up(block.id, error.message)

    def forget(self, block_ids: Sequence[int]) -> None:
        """Let go of these for good, as ``forgetting.forget`` does."""
        forget(block_ids, self._window, self._pool, self._store, self._lock)

    @property
    def must_wait(self) -> bool:
        """Whether RAM is used up by blocks that wait for the disk: the sender is to be slowed down."""
        return self._pool.must_wait

    def wait_for_room(self, timeout_s: float | None = None) -> bool:
        """Return when there is room again, at once as a rule. False when ``timeout_s`` is over."""
        if self.must_wait:
            waiting = self._pool.unwritten
            log.warning("memory.backpressure", session=self.key.name, unwritten=waiting)
            self.notify(MemoryReported("backpressure", waiting, "RAM is used up; blocks wait for the disk"))
        return self._pool.wait_for_room(timeout_s)

    def recent(self) -> list[Block]:
        """The window's blocks in time order, without the sinks."""
        with self._lock:
            return self._window.blocks()

    def recall(self, query: Query, where: Where = EVERYWHERE, limit: int | None = None) -> Recalled:
        """The best blocks outside the window for ``query``, of those that ``where`` allows.

        A block that can no longer be read is passed over, and reported.
        """
        return self._recaller.recall(query, where, limit)

    def fetch(self, block_ids: Sequence[int]) -> list[Block]:
        """Sealed blocks by id, in the order given, on the device. Raises KeyError, MemoryStoreError."""
        return [self._recaller.fetch(block_id) for block_id in block_ids]

    @property
    def sealed_count(self) -> int:
        """Blocks outside the window."""
        return len(self._pool.sealed)

    def sealed(self) -> list[BlockInfo]:
        """Every block outside the window, oldest first."""
        return self._pool.sealed.infos()

    def restore(self, embed: Embed | None = None) -> None:
        """Take over what the store holds, as ``restore.restore`` does. Only on a memory that is empty."""
        with self._lock:
            self.restored = True
            infos = restore(self._store, self._window, self._pool, self.policy, self._read, embed)
            self._next_id = self._store.last_id + 1
            if infos:
                self._next_offset = infos[-1].offset + infos[-1].span
                self._last_us = max(info.end_us for info in infos)

    def _read(self, block_id: int) -> Block:
        return decode(self._transfer.to_device(self._store.read(block_id)), self._shape.dtype)

    def resume_us(self, *, at_wall_time: bool) -> int:
        """Where the session's clock goes on: after all that is remembered, or ``at_wall_time``, as if it had
        gone on while nobody was there."""
        if not at_wall_time:
            return self._last_us
        return max(self._last_us, time.time_ns() // 1_000 - self._store.created_us)

    @property
    def _hot_budget(self) -> int:
        return max(self.config.device_bytes - self._window.nbytes, 0)

    @property
    def ram_bytes(self) -> int:
        return self._pool.ram_bytes + self.policy.nbytes

    @property
    def disk_bytes(self) -> int:
        return self._store.nbytes

    def stats(self) -> MemoryStats:
        with self._lock:
            return MemoryStats(
                blocks=len(self._pool.sealed) + len(self._window.blocks()),
                device_bytes=self._window.nbytes + self._recaller.hot_bytes,
                ram_bytes=self.ram_bytes,
                disk_bytes=self._store.nbytes,
                forgotten=self._pool.forgotten,
                damaged=self._store.damaged,
                unwritten=self._pool.unwritten,
                disk_reads=self._pool.disk_reads,
            )

    def shrink(self, nbytes: int) -> None:
        """Let go of ``nbytes`` of RAM, as far as they are on disk."""
        self._pool.shrink(max(self._pool.ram_bytes - nbytes, 0))

    def retain(self, disk_bytes: int) -> None:
        """Bring what is on disk within ``disk_bytes``, forgetting as the retention policy chooses."""
        self._pool.retain(disk_bytes)

    def settle(self) -> None:
        """Return when all work put off until now has been done: writes, prefetches, counts."""
        self._worker.submit(lambda: None).result()

    def flush(self) -> None:
        """Return when all that is to be on disk is there. Raises MemoryStoreError when that fails."""
        self._pool.flush()

    def tend(self) -> None:
        """Now and then: try failed writes again, check once after each burst of work, report faults."""
        self._pool.retry_writes()
        with self._lock:
            if self._closed or self._changed_s is None or time.monotonic() - self._changed_s < IDLE_S:
                return
            self._changed_s = None
            try:
                self.check_integrity()
            except AssertionError as error:
                log.exception("memory.inconsistent", session=self.key.name)
                self.notify(MemoryReported("inconsistent", 0, str(error)))

    def check_integrity(self) -> None:
        """Assert the invariants; when idle and in tests."""
        with self._lock:
            check(self._window, self._pool, self.policy, self._hot_budget - self._recaller.hot_bytes)

    def close(self) -> None:
        """Write what is to be kept, and let go of the session."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.durable:
                for block in self.recent():
                    if self._window.take_prolonged(block.id):
                        self._pool.copy(block)
                self.flush()
                self.policy.save(self._store.folder / INDEX)
                self._store.compact(COMPACT_AT_CLOSE)
        except MemoryStoreError as error:
            log.warning("memory.not_saved", session=self.key.name, error=error.message)
        with self._lock:
            self._pool.close()
            self._recaller.close()
        self._store.close()
        self._on_close(self)
