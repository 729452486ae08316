"""One session's memory: window on the device, the rest in RAM and on disk, found through the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.block import Block, BlockInfo
from memory.disk import DiskTier
from memory.index import DigestIndex
from memory.pool import BlockPool
from memory.ram import RamTier
from memory.recall import rank, select
from memory.window import Window
from streams.config import MemoryConfig
from streams.errors import MemoryStoreError
from streams.log import get_logger
from streams.types import Moment

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """Blocks in all (sinks aside) and bytes by tier; ``ram_bytes`` counts the index too."""

    blocks: int
    device_bytes: int
    ram_bytes: int
    disk_bytes: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """Blocks handed back for a question, in time order, and what they are."""

    blocks: tuple[Block, ...]
    moments: tuple[Moment, ...]


class StreamMemory:
    """Keeps blocks and hands them back. Owned by one engine thread; nothing here runs the model."""

    def __init__(
        self, sinks: Block, config: MemoryConfig, folder: Path, *, index_layers: int, index_dim: int
    ) -> None:
        """``folder`` is this session's own, for blocks past the RAM budget."""
        self._config = config
        self._window = Window(
            sinks, frame_tokens=config.window_tokens, dialogue_tokens=config.dialogue_tokens
        )
        self._index = DigestIndex(index_layers, index_dim)
        self._pool = BlockPool(
            RamTier(),
            DiskTier(folder),
            ram_bytes=config.ram_bytes,
            disk_bytes=config.disk_bytes,
            on_forget=self._index.remove,
        )
        self._next_id = 1

    def next_id(self) -> int:
        """A new block's id. Ids grow with time."""
        self._next_id += 1
        return self._next_id - 1

    @property
    def sinks(self) -> Block:
        return self._window.sinks

    @sinks.setter
    def sinks(self, block: Block) -> None:
        self._window.sinks = block

    def recent(self) -> list[Block]:
        """The window's blocks in time order, without the sinks."""
        return self._window.blocks()

    def append(self, block: Block) -> None:
        """Take in the newest block. What leaves the window for it goes to the pool and the index."""
        for leaving in self._window.push(block):
            self._index.add(leaving.id, leaving.digest.numpy())
            self._pool.allocate(leaving)

    def recall(self, query: NDArray[np.float32], limit: int | None = None) -> Recalled:
        """The best blocks outside the window for ``query`` [index layers, dim].

        A block that can no longer be read is passed over and logged.
        """
        limit = self._config.recall_blocks if limit is None else limit
        hits = rank(self._index, query)
        chosen = select(hits, {hit.block_id: self._pool.info(hit.block_id) for hit in hits}, limit)
        blocks, moments = [], []
        for hit in chosen:
            try:
                block = self._pool.fetch(hit.block_id)
            except MemoryStoreError as error:
                log.warning("memory.unreadable", block=hit.block_id, error=error.message)
                continue
            except KeyError:
                continue  # forgotten, and logged as that, when one fetched before it came up to RAM
            blocks.append(block)
            moments.append(_moment(block.info, hit.score))
        return Recalled(tuple(blocks), tuple(moments))

    def fetch(self, block_ids: Sequence[int]) -> list[Block]:
        """Sealed blocks by id, in the order given. Raises KeyError, MemoryStoreError."""
        return [self._pool.fetch(block_id) for block_id in block_ids]

    @property
    def sealed_count(self) -> int:
        """Blocks outside the window."""
        return len(self._pool)

    def sealed(self) -> list[BlockInfo]:
        """Every block outside the window, oldest first."""
        return self._pool.infos()

    def stats(self) -> MemoryStats:
        return MemoryStats(
            blocks=len(self._pool) + len(self.recent()),
            device_bytes=self._window.nbytes,
            ram_bytes=self._pool.ram_bytes + self._index.nbytes,
            disk_bytes=self._pool.disk_bytes,
            forgotten=self._pool.forgotten,
        )

    def check_integrity(self) -> None:
        """Assert the invariants; for idle moments and tests."""
        self._pool.check_integrity()
        sealed = {info.id for info in self._pool.infos()}
        assert len(sealed) == len(self._index)
        assert all(block_id in self._index for block_id in sealed)
        recent = [block.id for block in self.recent()]
        assert recent == sorted(set(recent))
        assert not sealed & set(recent), "a block is both in the window and sealed"

    def close(self) -> None:
        """Free everything; the session's folder is removed."""
        self._pool.close()


def _moment(info: BlockInfo, score: float) -> Moment:
    return Moment(info.start_us, info.end_us, score, info.kind, info.text, info.id)
