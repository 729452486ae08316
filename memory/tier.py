"""The contract of a tier: a place where sealed blocks live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from memory.block import Block


class Tier(Protocol):
    """Blocks by id. Not thread-safe: one engine thread owns a session's memory."""

    @property
    def nbytes(self) -> int:
        """Bytes that the tier's blocks take."""
        ...

    def put(self, block: Block) -> None:
        """Keep ``block``. Raises MemoryStoreError, and then holds what it held before."""
        ...

    def get(self, block_id: int) -> Block:
        """The block. Raises MemoryStoreError when it cannot be read, KeyError when it is not here."""
        ...

    def remove(self, block_id: int) -> None:
        """Forget the block. Raises KeyError when it is not here."""
        ...

    def __contains__(self, block_id: int) -> bool: ...

    def __iter__(self) -> Iterator[int]:
        """Ids, the one to leave first in front."""
        ...

    def close(self) -> None: ...
