"""Sealed blocks over RAM and disk, within a budget in bytes each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import partial

from memory.block import Block, BlockInfo
from memory.codec.codec import EncodedBlock
from memory.codec.codecs import EXACT, decode, encode
from memory.disk_budget import SLACK, DiskBudget
from memory.notice import Notify
from memory.pool_config import PoolConfig
from memory.ram import RamTier
from memory.recall.policy import Entry
from memory.retention.policy import Candidate
from memory.store.session_store import SessionStore
from memory.table import BlockTable
from memory.threads import MemoryThreads
from memory.transfer import Transfer
from memory.writer import BlockWriter, Write
from streams.errors import MemoryStoreError
from streams.events import MemoryReported
from streams.log import get_logger

SPILL_FROM = 0.75
"""Share of the RAM budget from which blocks that are kept nowhere else begin to be written."""

log = get_logger(__name__)


class BlockPool:
    """Blocks that left the window, by id: in RAM the most recently used, on disk the rest or all.

    Blocks go down in the background (``BlockWriter``) and leave RAM once they are on disk, so that nobody
    waits for the disk unless RAM is used up (``must_wait``). When the disk fails, blocks stay in RAM; past
    the budget of RAM, or of the disk, some are forgotten as the retention policy chooses, which is counted,
    logged and reported. Thread-safe; the lock of its threads is shared with the memory that owns this.
    """

    def __init__(
        self,
        store: SessionStore,
        config: PoolConfig,
        transfer: Transfer,
        threads: MemoryThreads,
        *,
        reserved: Callable[[], int],
        on_gone: Callable[[Sequence[int]], None],
        notify: Notify,
    ) -> None:
        """``reserved`` says how much of the RAM budget is taken by the index; ``on_gone`` is told of
        blocks that are forgotten or damaged, with the lock held.
        """
        self._store = store
        self._config = config
        self._transfer = transfer
        self._lock = threads.lock
        self._reserved = reserved
        self._on_gone = on_gone
        self._notify = notify
        self._ram = RamTier()
        self.sealed = BlockTable(threads.lock)
        self._on_disk: set[int] = set()
        self._worker = threads.worker
        self._readers = threads.readers
        self._writer = BlockWriter(
            store,
            threads.worker,
            transfer,
            make_room=lambda nbytes: self.retain(max(config.disk_bytes - nbytes, 0)),
            written=self._were_written,
            notify=notify,
        )
        self._disk_budget = DiskBudget(
            store, config.retention, threads.lock, sealed=self.sealed, forget=self._forget
        )
        self.forgotten = 0
        self.disk_reads = 0

    @property
    def ram_bytes(self) -> int:
        return self._ram.nbytes

    @property
    def ram_budget(self) -> int:
        """What the index leaves of the budget; a quarter at least, for blocks on their way to disk."""
        return max(self._config.ram_bytes - self._reserved(), self._config.ram_bytes // 4)

    @property
    def unwritten(self) -> int:
        return len(self._writer)

    def adopt(self, infos: Sequence[BlockInfo]) -> None:
        """Take over sealed blocks that are in the store already."""
        with self._lock:
            for info in infos:
                self.sealed.add(info)
            self._on_disk |= {info.id for info in infos}

    def recode(self, block_ids: Sequence[int]) -> None:
        """Write sealed blocks as they are kept, of which there is only what was copied from the window."""
        for block_id in block_ids:
            if block_id not in self.sealed:
                continue
            try:
                encoded = self._store.read(block_id)
                block = decode(encoded, next(iter(encoded.tensors.values())).dtype)
            except (KeyError, MemoryStoreError) as error:
                self.give_up(block_id, str(error))
            else:
                self._writer.put(encode(block, self._config.codec))

    def copy(self, block: Block, *, final: bool = False) -> None:
        """Have a block that stays in the window written, so that it outlives this process.

        ``final``: it will never leave the window; else, where the codec changes blocks, this copy serves
        until then.
        """
        encoded = self._transfer.to_host(EXACT.encode(block))
        self._writer.put(encoded, journal=not (final or self._config.codec.lossless))

    def allocate(self, block: Block, *, changed: bool = False) -> None:
        """Keep what leaves the window, ``changed`` since it was copied or not. Others may leave RAM."""
        encoded = self._transfer.to_host(encode(block, self._config.codec))
        with self._lock:
            self.sealed.add(block.info)
            self._ram.put(encoded)
            known = block.id in self._on_disk or block.id in self._writer
            if self._config.durable and (changed or not (known and self._config.codec.lossless)):
                self._on_disk.discard(block.id)
                self._writer.put(encoded)
            self._settle()

    def drop(self, block_ids: Sequence[int]) -> None:
        """Take blocks, as far as they are here, out of everything but the store. The lock is held."""
        self.sealed.remove([block_id for block_id in block_ids if block_id in self.sealed])
        for block_id in block_ids:
            self._on_disk.discard(block_id)
            self._writer.cancel(block_id)
            if block_id in self._ram:
                self._ram.remove(block_id)
        self._on_gone(block_ids)

    def fetch(self, block_id: int) -> EncodedBlock:
        """The block in host memory, from RAM or disk; one from disk comes up to RAM.

        Raises KeyError when it is not here (any more), MemoryStoreError when it cannot be read: it is
        then given up, and said to be damaged.
        """
        with self._lock:
            if block_id not in self.sealed:
                raise KeyError(block_id)
            if block_id in self._ram:
                return self._ram.get(block_id)
        self.disk_reads += 1
        return self._read(block_id)

    def entry(self, block_id: int) -> Entry:
        """What recall knows the block by, without bringing it up. Raises as ``fetch``."""
        with self._lock:
            if block_id not in self.sealed:
                raise KeyError(block_id)
            if block_id in self._ram:
                return Entry.of(self._ram.peek(block_id))
        try:
            return self._store.read_head(block_id)
        except MemoryStoreError as error:
            self.give_up(block_id, error.message)
            raise

    def _read(self, block_id: int) -> EncodedBlock:
        """Bring a block up from disk. Raises as ``fetch``."""
        try:
            encoded = self._store.read(block_id)
        except MemoryStoreError as error:
            self.give_up(block_id, error.message)
            raise
        with self._lock:
            if block_id in self.sealed and block_id not in self._ram:
                self._ram.put(encoded)
                self._settle()
        return encoded

    def give_up(self, block_id: int, why: str) -> None:
        """Do without a block that can no longer be read."""
        with self._lock:
            if block_id not in self.sealed:
                return
            self.drop([block_id])
        log.warning("memory.damaged", block=block_id, error=why)
        self._notify(MemoryReported("damaged", 1, why))

    def prefetch(self, block_ids: Sequence[int]) -> None:
        """Have blocks that a question may want next brought up to RAM in the background."""
        for block_id in block_ids:
            if block_id not in self._ram:
                self._worker.submit(partial(self._bring_up, block_id))

    def load(self, block_ids: Sequence[int]) -> None:
        """Bring blocks up to RAM side by side: a disk answers several reads in little more time than one."""
        cold = [block_id for block_id in block_ids if block_id not in self._ram]
        if len(cold) > 1:
            self.disk_reads += len(cold)
            wait([self._readers.submit(self._bring_up, block_id) for block_id in cold])

    def _bring_up(self, block_id: int) -> None:
        with suppress(KeyError, MemoryStoreError):  # gone meanwhile, or given up and reported
            if block_id not in self._ram:
                self._read(block_id)

    def recalled(self, block_ids: Sequence[int]) -> None:
        """Count that blocks were handed back, for retention."""
        self._worker.submit(lambda: self._store.touch(block_ids))

    # Room.

    @property
    def must_wait(self) -> bool:
        """Whether RAM is used up by blocks that are still to be written."""
        return self._ram.nbytes > self.ram_budget and bool(len(self._writer)) and not self._writer.failing

    def wait_for_room(self, timeout_s: float | None = None) -> bool:
        """Return when RAM has room; at once unless it is used up. False when ``timeout_s`` is over."""
        while self.must_wait:
            if not self._writer.wait(timeout_s):
                return False
        return True

    def shrink(self, ram_bytes: int) -> None:
        """Let go of RAM until ``ram_bytes`` are used, as far as blocks are on disk; has others written."""
        with self._lock:
            self._spill(ram_bytes)
            self._ram.evict(ram_bytes, self._on_disk.__contains__)

    def _settle(self) -> None:
        budget = self.ram_budget
        if not self._config.durable:
            self._spill(int(budget * SPILL_FROM))
        self._ram.evict(budget, self._on_disk.__contains__)
        if self._writer.failing and self._ram.nbytes > budget:
            self._forget_from_ram(self._ram.nbytes - budget + budget // SLACK)

    def _spill(self, ram_bytes: int) -> None:
        """Have the least recently used that are nowhere else written, down to ``ram_bytes`` unwritten."""
        for block in self._ram.beyond(ram_bytes):
            if block.id not in self._on_disk and block.id not in self._writer:
                self._writer.put(block)

    def _forget_from_ram(self, nbytes: int) -> None:
        """The disk takes nothing and RAM is used up: something has to go."""
        held = [self._ram.peek(block_id) for block_id in sorted(self._ram) if block_id not in self._on_disk]
        candidates = [Candidate(block.info, block.nbytes, 0) for block in held[:-1]]
        self._forget(self._config.retention.choose(candidates, nbytes), "RAM is used up and the disk fails")

    def _forget(self, block_ids: Sequence[int], why: str) -> None:
        if not block_ids:
            return
        self.drop(block_ids)
        self.forgotten += len(block_ids)
        log.warning("memory.forgotten", blocks=len(block_ids), total=self.forgotten, why=why)
        self._notify(MemoryReported("forgotten", len(block_ids), why))

    # On the worker's thread.

    def _were_written(self, batch: Sequence[Write]) -> None:
        with self._lock:
            self._on_disk |= {write.block.id for write in batch if not write.journal}
            self._settle()

    def retain(self, disk_bytes: int) -> None:
        """Bring the store within ``disk_bytes``, forgetting blocks if need be."""
        self._disk_budget.keep_within(disk_bytes)

    def retry_writes(self) -> None:
        self._writer.start()

    def flush(self) -> None:
        """Return when all that is to be on disk is there. Raises MemoryStoreError when that fails."""
        self._writer.flush()

    def check_integrity(self) -> None:
        """Assert that every block is in RAM or on disk, and none is anywhere else."""
        with self._lock:
            ram = set(self._ram)
            assert ram <= set(self.sealed), "RAM holds blocks that the pool does not know"
            assert set(self.sealed) <= ram | self._on_disk, "blocks are lost"
            assert self._ram.nbytes == sum(self._ram.peek(block_id).nbytes for block_id in ram)
            for block_id in ram - self._on_disk:
                assert not self._config.durable or block_id in self._writer, f"{block_id} is not written"

    def close(self) -> None:
        with self._lock:
            self.sealed.remove([*self.sealed])
            self._on_disk.clear()
            self._ram.clear()
