"""What policies over vector indexes have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np

from memory.index.vector_index import Ids, VectorIndex, Vectors
from memory.recall.policy import Entry, Hit, Query
from memory.recall.saved import load_array, load_ids, open_generation, save_array, save_generation
from streams.errors import MemoryStoreError

NewIndex: TypeAlias = Callable[[int], VectorIndex]
"""An empty index for vectors of so many numbers."""

LoadIndex: TypeAlias = Callable[[Path, int], VectorIndex]
"""The index that ``VectorIndex.save`` wrote into a file, of that dimension. Raises MemoryStoreError."""

CANDIDATES = 512
"""Vectors looked at in each index, at least."""

BLOCKS_FILE, ROWS_FILE = "blocks.npy", "rows.npy"


class IndexedPolicy(ABC):
    """Blocks as vectors in one or more indexes. A variant says which vectors, and how they are ranked.

    A block counts as known once all its vectors are in; one that is being added or removed while another
    thread ranks is not among the hits.
    """

    name: str
    uses_keys: bool
    uses_embedding: bool

    def __init__(self, dims: Sequence[int], new_index: NewIndex, load_index: LoadIndex) -> None:
        """One index for each of ``dims``."""
        self._dims = tuple(dims)
        self._load_index = load_index
        self._indexes = [new_index(dim) for dim in dims]
        self._rows: dict[int, int] = {}
        self._lock = Lock()

    @abstractmethod
    def _vectors(self, entry: Entry) -> Sequence[Vectors]:
        """What ``entry`` is known by: [rows, dim] for each index, the same number of rows in all."""

    @abstractmethod
    def _rank(self, query: Query, wanted: int, allowed: Ids | None) -> list[Hit]:
        """Blocks best first, out of at least ``wanted`` vectors of each index."""

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._rows

    @property
    def nbytes(self) -> int:
        return sum(index.nbytes for index in self._indexes)

    def block_ids(self) -> Ids:
        with self._lock:
            return np.array(sorted(self._rows), dtype=np.int64)

    def add(self, entry: Entry) -> None:
        block_id = entry.info.id
        assert block_id not in self._rows, f"block {block_id} is indexed already"
        vectors = self._vectors(entry)
        rows = len(vectors[0])
        ids = np.full(rows, block_id, dtype=np.int64)
        for index, each in zip(self._indexes, vectors, strict=True):
            index.add(ids, np.ascontiguousarray(each))
        with self._lock:
            self._rows[block_id] = rows

    def remove(self, block_id: int) -> None:
        """Raises KeyError when the block is not known."""
        with self._lock:
            del self._rows[block_id]
        for index in self._indexes:
            index.remove(np.array([block_id], dtype=np.int64))

    def rank(self, query: Query, limit: int, allowed: Ids | None = None) -> list[Hit]:
        if limit <= 0 or not self._rows or (allowed is not None and not len(allowed)):
            return []
        hits = self._rank(query, max(CANDIDATES, 2 * limit), allowed)
        known = (hit for hit in hits if hit.block_id in self._rows)
        return [hit for hit, _ in zip(known, range(limit), strict=False)]

    @property
    def _shape(self) -> dict[str, int]:
        return {"indexes": len(self._dims)} | {f"dim{i}": dim for i, dim in enumerate(self._dims)}

    def _index_names(self) -> list[str]:
        return [f"index{i}.bin" for i in range(len(self._dims))]

    _more_names: tuple[str, ...] = ()
    """Files that a variant's ``_write`` adds."""

    def _read_more(self, folder: Path) -> Callable[[], None]:
        """Read what a variant's ``_write`` added; what is returned takes it over and cannot fail."""
        return lambda: None

    def save(self, folder: Path) -> None:
        """Write the indexes into ``folder``, in place of what was saved there before.

        Blocks must not be added or removed meanwhile. Raises MemoryStoreError when they cannot be written.
        """
        save_generation(folder, self.name, self._shape, self._write)

    def _write(self, folder: Path) -> None:
        ids = self.block_ids()
        save_array(folder / BLOCKS_FILE, ids)
        save_array(folder / ROWS_FILE, np.array([self._rows[i] for i in ids.tolist()], dtype=np.int64))
        for name, index in zip(self._index_names(), self._indexes, strict=True):
            index.save(folder / name)

    def load(self, folder: Path) -> None:
        """Take over what ``save`` wrote. Only on a policy that knows no block yet.

        Raises MemoryStoreError when it is missing, unreadable, or of another policy, model or shape.
        """
        assert not self._rows, "this policy knows blocks already"
        names = [BLOCKS_FILE, ROWS_FILE, *self._index_names(), *self._more_names]
        state = open_generation(folder, self.name, self._shape, names)
        ids = load_ids(state / BLOCKS_FILE)
        rows = load_array(state / ROWS_FILE, np.int64, (len(ids),))
        if len(ids) and rows.min() < 1:
            raise MemoryStoreError(
                f"{state / ROWS_FILE}: a block without vectors", param=str(state / ROWS_FILE)
            )
        indexes = [
            self._load_index(state / name, dim)
            for name, dim in zip(self._index_names(), self._dims, strict=True)
        ]
        for name, index in zip(self._index_names(), indexes, strict=True):
            if len(index) != rows.sum():
                raise MemoryStoreError(
                    f"{state / name}: {len(index)} vectors, not {rows.sum()}", param=str(state / name)
                )
        take_over = self._read_more(state)
        self._indexes = indexes
        self._rows = dict(zip(ids.tolist(), rows.tolist(), strict=True))
        take_over()


def best_of_each(scores: Vectors, ids: Ids) -> tuple[Vectors, Ids]:
    """Of vectors best first, [k] each, the best of each block, best first; ids of -1 are left out."""
    unique, first = np.unique(ids, return_index=True)
    order = np.sort(first[unique >= 0])
    return scores[order], ids[order]
