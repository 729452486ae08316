"""What is known of the sealed blocks without their tensors."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from threading import RLock

import numpy as np

from memory.block import BlockInfo
from memory.index.vector_index import Ids
from memory.recall.span import Where
from streams.types import BlockKind

KINDS = tuple(BlockKind)


class BlockTable(Mapping[int, BlockInfo]):
    """Infos by id. Spans and kinds stand in plain arrays too, so that hours are filtered in microseconds.

    Looking one up takes no lock; ``lock`` is held for the rest.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._infos: dict[int, BlockInfo] = {}
        self._ids, self._starts, self._ends, self._kinds = array("q"), array("q"), array("q"), array("b")

    def __getitem__(self, block_id: int) -> BlockInfo:
        return self._infos[block_id]

    def __contains__(self, block_id: object) -> bool:
        return block_id in self._infos

    def __len__(self) -> int:
        return len(self._infos)

    def __iter__(self) -> Iterator[int]:
        """Ids, sorted, as of now."""
        with self._lock:
            return iter(self._ids.tolist())

    def infos(self) -> list[BlockInfo]:
        """Of every block, in order of id."""
        with self._lock:
            return [self._infos[block_id] for block_id in self._ids]

    def add(self, info: BlockInfo) -> None:
        """Blocks mostly come in order of id; one that is late costs time linear in those after it."""
        with self._lock:
            assert info.id not in self._infos, f"block {info.id} is here already"
            place = len(self._ids)
            if place and self._ids[-1] > info.id:
                place = bisect_left(self._ids, info.id)
            self._infos[info.id] = info
            self._ids.insert(place, info.id)
            self._starts.insert(place, info.start_us)
            self._ends.insert(place, info.end_us)
            self._kinds.insert(place, KINDS.index(info.kind))

    def remove(self, block_ids: Sequence[int]) -> None:
        """Takes time linear in what is left. Raises KeyError when one is not here."""
        with self._lock:
            for block_id in block_ids:
                del self._infos[block_id]
            keep = ~np.isin(np.array(self._ids), np.array(block_ids, np.int64))
            columns = (self._ids, self._starts, self._ends, self._kinds)
            self._ids, self._starts, self._ends, self._kinds = (
                array(column.typecode, np.array(column)[keep].tobytes()) for column in columns
            )

    def admitted(self, where: Where) -> Ids:
        """The ids of blocks that ``where`` admits (as ``Where.admits``), sorted."""
        with self._lock:
            ids = np.array(self._ids)
            kept = np.ones(len(ids), bool)
            if where.start_us is not None:
                kept &= np.array(self._ends) >= where.start_us
            if where.end_us is not None:
                kept &= np.array(self._starts) <= where.end_us
            if where.kinds is not None:
                kept &= np.isin(np.array(self._kinds), [KINDS.index(kind) for kind in where.kinds])
            admitted: Ids = ids[kept]
            return admitted
