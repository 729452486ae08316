"""Blocks on their way to disk, written in the background."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memory.codec.codec import EncodedBlock
from memory.notice import Notify
from memory.store.session_store import SessionStore
from memory.transfer import Transfer
from streams.errors import MemoryStoreError
from streams.events import MemoryReported
from streams.log import get_logger
from streams.pipeline import Worker

BATCH_BLOCKS = 32
"""Written before one sync: while the disk keeps up a batch is one block, and grows when it does not."""

RECORD_BYTES = 2_048
"""What a record takes beside its tensors, at most and with its share of a segment's header."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """``journal``: a copy of a block that is still in the window, to be superseded when it leaves."""

    block: EncodedBlock
    journal: bool


class BlockWriter:
    """A queue of writes, worked off on ``worker`` in the order of the blocks.

    A write that fails stays queued and is tried again with the next one: nothing is lost by it.
    """

    def __init__(
        self,
        store: SessionStore,
        worker: Worker,
        transfer: Transfer,
        *,
        make_room: Callable[[int], None],
        written: Callable[[Sequence[Write]], None],
        notify: Notify,
    ) -> None:
        """Called on the worker's thread: ``make_room`` with the bytes of a batch before it is written,
        ``written`` with each batch that is on disk.
        """
        self._store = store
        self._worker = worker
        self._transfer = transfer
        self._make_room = make_room
        self._written = written
        self._notify = notify
        self._changed = threading.Condition()
        self._pending: OrderedDict[int, Write] = OrderedDict()
        self._scheduled = False
        self.failing = False

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._pending

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, block: EncodedBlock, *, journal: bool = False) -> None:
        """Queue ``block``; a write of the same block that still waits is replaced."""
        with self._changed:
            self._pending[block.id] = Write(block, journal)
        self.start()

    def start(self) -> None:
        """See to it that what is queued is being written."""
        with self._changed:
            if self._scheduled or not self._pending:
                return
            self._scheduled = True
        self._worker.submit(self._work)

    def cancel(self, block_id: int) -> None:
        """Write the block no more. One that is being written is removed when it has been."""
        with self._changed:
            self._pending.pop(block_id, None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return once a write has ended, or none waits; False when none did in time."""
        with self._changed:
            return not self._pending or self._changed.wait(timeout_s)

    def flush(self) -> None:
        """Return when everything queued is on disk. Raises MemoryStoreError when it cannot be written."""
        self.start()
        with self._changed:
            self._changed.wait_for(lambda: not self._scheduled)
            if self._pending:
                raise MemoryStoreError(f"{len(self._pending)} blocks cannot be written", param="memory.dir")

    def _work(self) -> None:
        try:
            while batch := self._batch():
                self._write(batch)
        except MemoryStoreError as error:
            self._fail(error)
        except BaseException:
            log.exception("memory.writer_failed")
            self._fail(MemoryStoreError("the writer failed; see the log"))
            raise

    def _batch(self) -> list[Write]:
        with self._changed:
            batch = [write for write, _ in zip(self._pending.values(), range(BATCH_BLOCKS), strict=False)]
            self._scheduled = bool(batch)
            if not batch:
                self._changed.notify_all()
            return batch

    def _write(self, batch: Sequence[Write]) -> None:
        self._make_room(sum(write.block.nbytes + RECORD_BYTES for write in batch))
        for write in batch:
            self._transfer.wait(write.block.id)
            self._store.write(write.block, journal=write.journal)
        self._store.sync()
        with self._changed:
            self.failing = False
            done = [write for write in batch if self._pending.get(write.block.id) is write]
            for write in done:
                del self._pending[write.block.id]
            kept = {write.block.id for write in done} | set(self._pending)
        cancelled = [write.block.id for write in batch if write.block.id not in kept]
        if cancelled:
            self._store.remove(cancelled, reason="freed")
        self._written(done)
        with self._changed:
            self._changed.notify_all()

    def _fail(self, error: MemoryStoreError) -> None:
        with self._changed:
            first, self.failing, self._scheduled = not self.failing, True, False
            waiting = len(self._pending)
            self._changed.notify_all()
        log.warning("memory.disk_failed", error=error.message, waiting=waiting)
        if first:
            self._notify(MemoryReported("disk_failed", waiting, f"kept in RAM alone: {error.message}"))
        self._written([])
