"""Recall by two policies together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from memory.index.vector_index import Ids
from memory.recall.policy import Entry, Hit, Query, RecallPolicy
from memory.recall.saved import open_generation, save_generation
from streams.errors import MemoryStoreError

RANK_OFFSET = 60
"""Cormack et al. found 60 good over many collections; it keeps one first place from outweighing all else."""

CANDIDATES = 256
"""Places of each policy that count."""

Parts: TypeAlias = tuple[RecallPolicy, RecallPolicy]


class HybridPolicy:
    """Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009) of two policies, each with all blocks.

    A block's score is the sum of 1 / (60 + its place) over the policies that found it: scores that do not
    compare are not compared.
    """

    name = "hybrid"

    def __init__(self, new_parts: Callable[[], Parts]) -> None:
        """``new_parts`` makes the two policies, empty; again when they are to be loaded."""
        self._new_parts = new_parts
        self._parts = new_parts()
        self.uses_keys = any(part.uses_keys for part in self._parts)
        self.uses_embedding = any(part.uses_embedding for part in self._parts)

    def __len__(self) -> int:
        return len(self._parts[1])

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._parts[1]

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in self._parts)

    def block_ids(self) -> Ids:
        return self._parts[1].block_ids()

    def add(self, entry: Entry) -> None:
        first, second = self._parts
        first.add(entry)
        try:
            second.add(entry)
        except MemoryStoreError:
            first.remove(entry.info.id)
            raise

    def remove(self, block_id: int) -> None:
        """Raises KeyError when the block is not known."""
        for part in reversed(self._parts):
            part.remove(block_id)

    def rank(self, query: Query, limit: int, allowed: Ids | None = None) -> list[Hit]:
        if limit <= 0:
            return []
        scores: defaultdict[int, float] = defaultdict(float)
        for part in self._parts:
            for place, hit in enumerate(part.rank(query, max(limit, CANDIDATES), allowed), 1):
                scores[hit.block_id] += 1 / (RANK_OFFSET + place)
        # Ties go to the newer block.
        best = sorted(scores, key=lambda block_id: (-scores[block_id], -block_id))
        return [Hit(block_id, scores[block_id]) for block_id in best[:limit]]

    def save(self, folder: Path) -> None:
        """Write both policies into ``folder``, in place of what was saved there before.

        Raises MemoryStoreError when they cannot be written.
        """
        save_generation(folder, self.name, {}, partial(_write, self._parts))

    def load(self, folder: Path) -> None:
        """Take over what ``save`` wrote. Raises MemoryStoreError when a part cannot be, or they differ."""
        assert not len(self), "this policy knows blocks already"
        parts = self._new_parts()
        state = open_generation(folder, self.name, {}, [])
        for part in parts:
            part.load(state / part.name)
        first, second = (part.block_ids().tolist() for part in parts)
        if first != second:
            raise MemoryStoreError(f"{state}: the two policies know different blocks", param=str(state))
        self._parts = parts


def _write(parts: Parts, folder: Path) -> None:
    for part in parts:
        part.save(folder / part.name)
