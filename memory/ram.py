"""Sealed blocks in host memory, least recently used first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from memory.codec.codec import EncodedBlock


class RamTier:
    """Encoded blocks by id. ``get`` and ``put`` make one the most recently used. Not thread-safe."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, EncodedBlock] = OrderedDict()
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        return self._nbytes

    def put(self, block: EncodedBlock) -> None:
        assert block.id not in self._blocks, f"block {block.id} is here already"
        self._blocks[block.id] = block
        self._nbytes += block.nbytes

    def get(self, block_id: int) -> EncodedBlock:
        """Raises KeyError when the block is not here."""
        self._blocks.move_to_end(block_id)
        return self._blocks[block_id]

    def peek(self, block_id: int) -> EncodedBlock:
        """As ``get``, but it does not count as a use."""
        return self._blocks[block_id]

    def beyond(self, nbytes: int) -> list[EncodedBlock]:
        """The least recently used blocks, without which the others take ``nbytes`` at most."""
        found, excess = [], self._nbytes - nbytes
        for block in self._blocks.values():
            if excess <= 0:
                break
            found.append(block)
            excess -= block.nbytes
        return found

    def evict(self, nbytes: int, may_go: Callable[[int], bool]) -> None:
        """Let the least recently used leave that ``may_go``, until ``nbytes`` are held.

        The most recently used one stays in any case: it was brought up, or has just come.
        """
        for block_id in list(self._blocks)[:-1] if self._nbytes > nbytes else ():
            if self._nbytes <= nbytes:
                break
            if may_go(block_id):
                self.remove(block_id)

    def remove(self, block_id: int) -> None:
        """Raises KeyError when the block is not here."""
        self._nbytes -= self._blocks.pop(block_id).nbytes

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._blocks

    def __iter__(self) -> Iterator[int]:
        """Ids, the least recently used in front."""
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def clear(self) -> None:
        self._blocks.clear()
        self._nbytes = 0
