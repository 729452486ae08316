"""Recall that prefers what is not long ago."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from memory.index.vector_index import Ids
from memory.recall.policy import Entry, Hit, Query, RecallPolicy
from memory.recall.saved import load_array, load_ids, open_generation, save_array, save_generation
from streams.errors import MemoryStoreError

CANDIDATES = 256
"""Hits of the policy inside among which age decides."""

INNER, BLOCKS_FILE, ENDS_FILE = "inner", "blocks.npy", "ends.npy"


class RecencyPolicy:
    """Hits of another policy, their scores halved with every ``half_life_us`` of a block's age.

    Scores may be negative, where halving would be a gain. So they are first scaled to 0..1 between the worst
    and the best candidate: of two that match equally well the newer wins, and the best match of one half-life
    ago stands where a match half as good does now. Age counts from the end of the block.
    """

    def __init__(self, inner: RecallPolicy, half_life_us: int) -> None:
        assert half_life_us > 0, "the half-life must be positive"
        self.name = f"recency/{inner.name}"
        self.uses_keys = inner.uses_keys
        self.uses_embedding = inner.uses_embedding
        self._inner = inner
        self._half_life_us = half_life_us
        self._ends_us: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._inner)

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._inner

    @property
    def nbytes(self) -> int:
        return self._inner.nbytes + 16 * len(self._ends_us)

    def block_ids(self) -> Ids:
        return self._inner.block_ids()

    def add(self, entry: Entry) -> None:
        self._inner.add(entry)
        self._ends_us[entry.info.id] = entry.info.end_us

    def remove(self, block_id: int) -> None:
        """Raises KeyError when the block is not known."""
        del self._ends_us[block_id]
        self._inner.remove(block_id)

    def rank(self, query: Query, limit: int, allowed: Ids | None = None) -> list[Hit]:
        if limit <= 0:
            return []
        found = self._inner.rank(query, max(limit, CANDIDATES), allowed)
        # A block that another thread is adding or removing right now has no end here.
        hits = [(hit, end_us) for hit in found if (end_us := self._ends_us.get(hit.block_id)) is not None]
        if not hits:
            return []
        worst, best = hits[-1][0].score, hits[0][0].score
        span = best - worst
        discounted = [
            Hit(
                hit.block_id,
                ((hit.score - worst) / span if span > 0 else 1.0)
                * 0.5 ** (max(query.now_us - end_us, 0) / self._half_life_us),
            )
            for hit, end_us in hits
        ]
        return sorted(discounted, key=lambda hit: -hit.score)[:limit]

    def save(self, folder: Path) -> None:
        """Write the policy inside and the ages into ``folder``, in place of what was saved there before.

        Raises MemoryStoreError when they cannot be written.
        """
        save_generation(folder, self.name, {}, partial(self._write, self.block_ids()))

    def _write(self, ids: Ids, folder: Path) -> None:
        save_array(folder / BLOCKS_FILE, ids)
        save_array(folder / ENDS_FILE, np.array([self._ends_us[i] for i in ids.tolist()], dtype=np.int64))
        self._inner.save(folder / INNER)

    def load(self, folder: Path) -> None:
        """Take over what ``save`` wrote. Raises MemoryStoreError when it cannot be."""
        assert not len(self), "this policy knows blocks already"
        state = open_generation(folder, self.name, {}, [BLOCKS_FILE, ENDS_FILE])
        ids = load_ids(state / BLOCKS_FILE)
        ends = load_array(state / ENDS_FILE, np.int64, (len(ids),))
        self._inner.load(state / INNER)
        known = self._inner.block_ids().tolist()
        if known != ids.tolist():
            for block_id in known:
                self._inner.remove(block_id)
            raise MemoryStoreError(f"{state / BLOCKS_FILE}: other blocks than the index", param=str(state))
        self._ends_us = dict(zip(ids.tolist(), ends.tolist(), strict=True))
