"""Blocks in host memory, least recently used first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch

from memory.block import Block

HOST = torch.device("cpu")


class RamTier:
    """``Tier`` in host memory. ``get`` and ``put`` make a block the most recently used."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        return self._nbytes

    def put(self, block: Block) -> None:
        assert block.id not in self._blocks, f"block {block.id} is here already"
        self._blocks[block.id] = block.to(HOST)
        self._nbytes += block.nbytes

    def get(self, block_id: int) -> Block:
        self._blocks.move_to_end(block_id)
        return self._blocks[block_id]

    def remove(self, block_id: int) -> None:
        self._nbytes -= self._blocks.pop(block_id).nbytes

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._blocks

    def __iter__(self) -> Iterator[int]:
        return iter(self._blocks)

    def close(self) -> None:
        self._blocks.clear()
        self._nbytes = 0
