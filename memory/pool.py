"""Sealed blocks over RAM and disk, within a budget in bytes each."""

from __future__ import annotations

from collections.abc import Callable

from memory.block import Block, BlockInfo
from memory.tier import Tier
from streams.errors import MemoryStoreError
from streams.log import get_logger

log = get_logger(__name__)


class BlockPool:
    """Blocks that left the window: in RAM while they fit, on disk past that, found by id.

    A block that was on disk once stays there when it is recalled into RAM, so that it leaves RAM
    again without being written. Past the disk budget such second copies go first; after them the
    blocks that have been on disk longest are forgotten, which is counted, logged and told to
    ``on_forget``.
    """

    def __init__(
        self,
        ram: Tier,
        disk: Tier,
        *,
        ram_bytes: int,
        disk_bytes: int,
        on_forget: Callable[[int], None],
    ) -> None:
        self._ram = ram
        self._disk = disk
        self._ram_budget = ram_bytes
        self._disk_budget = disk_bytes
        self._on_forget = on_forget
        self._infos: dict[int, BlockInfo] = {}
        self.forgotten = 0
        self.disk_errors = 0

    def __len__(self) -> int:
        return len(self._infos)

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._infos

    @property
    def ram_bytes(self) -> int:
        return self._ram.nbytes

    @property
    def disk_bytes(self) -> int:
        return self._disk.nbytes

    def info(self, block_id: int) -> BlockInfo:
        return self._infos[block_id]

    def infos(self) -> list[BlockInfo]:
        """Of every block, in order of id."""
        return [self._infos[block_id] for block_id in sorted(self._infos)]

    def allocate(self, block: Block) -> None:
        """Keep ``block``. Older ones may move to disk, and the oldest be forgotten, to make room."""
        self._infos[block.id] = block.info
        self._ram.put(block)
        self._settle()

    def free(self, block_id: int) -> None:
        """Forget one block. Raises KeyError when it is not here."""
        del self._infos[block_id]
        for tier in (self._ram, self._disk):
            if block_id in tier:
                tier.remove(block_id)

    def fetch(self, block_id: int) -> Block:
        """The block, from RAM or disk; one from disk comes up to RAM, for which others may move down.

        Raises MemoryStoreError when it cannot be read, KeyError when it is not here (any more).
        """
        if block_id not in self._infos:
            raise KeyError(block_id)
        if block_id in self._ram:
            return self._ram.get(block_id)
        block = self._disk.get(block_id)
        self._ram.put(block)
        self._settle()
        return block

    def _settle(self) -> None:
        """Move least recently used blocks down until RAM is within its budget; the newest one stays."""
        while self._ram.nbytes > self._ram_budget:
            oldest = next(iter(self._ram))
            if self._ram.nbytes == (block := self._ram.get(oldest)).nbytes:
                break
            if oldest not in self._disk:
                try:
                    self._disk.put(block)
                except MemoryStoreError as error:
                    # Nothing is lost: the block stays in RAM, over budget, and the next one tries again.
                    self.disk_errors += 1
                    log.warning("memory.disk_failed", error=error.message, ram_bytes=self._ram.nbytes)
                    break
            self._ram.remove(oldest)
        self._forget()

    def _forget(self) -> None:
        before = self.forgotten
        while self._disk.nbytes > self._disk_budget:
            twice = next((block_id for block_id in self._ram if block_id in self._disk), None)
            if twice is not None:
                self._disk.remove(twice)
                continue
            oldest = next(iter(self._disk))
            self.free(oldest)
            self._on_forget(oldest)
            self.forgotten += 1
        if self.forgotten > before:
            log.warning("memory.forgotten", blocks=self.forgotten - before, total=self.forgotten)

    def check_integrity(self) -> None:
        """Assert that every block is in a tier, none is anywhere else, and sizes add up."""
        places = set(self._ram) | set(self._disk)
        assert places == set(self._infos), "tiers and pool disagree on which blocks there are"
        for block_id in self._ram:
            assert self._infos[block_id].id == block_id

    def close(self) -> None:
        self._infos.clear()
        self._ram.close()
        self._disk.close()
