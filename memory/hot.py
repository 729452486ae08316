"""Blocks that were handed back lately, decoded and on the device."""

from __future__ import annotations

from collections import OrderedDict

from memory.block import Block


class HotTier:
    """A cache in front of the pool within a budget in bytes, least recently used out first.

    A question that follows another often needs the same moments: they are there without being copied
    or decoded again. Dropping a block from here loses nothing. Not thread-safe.
    """

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        self.nbytes = 0

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._blocks

    def get(self, block_id: int) -> Block | None:
        block = self._blocks.get(block_id)
        if block is not None:
            self._blocks.move_to_end(block_id)
        return block

    def put(self, block: Block, budget: int) -> None:
        """Keep ``block`` if it fits in ``budget`` bytes; others leave for it."""
        self.remove(block.id)
        self._blocks[block.id] = block
        self.nbytes += block.nbytes
        self.shrink(budget)

    def shrink(self, budget: int) -> None:
        """Let the least recently used go until no more than ``budget`` bytes are held."""
        while self._blocks and self.nbytes > budget:
            self.nbytes -= self._blocks.popitem(last=False)[1].nbytes

    def remove(self, block_id: int) -> None:
        block = self._blocks.pop(block_id, None)
        if block is not None:
            self.nbytes -= block.nbytes

    def clear(self) -> None:
        self._blocks.clear()
        self.nbytes = 0
