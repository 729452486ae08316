"""Recall by one mean key a block and layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memory.index.vector_index import Ids, Vectors
from memory.recall.indexed import IndexedPolicy, LoadIndex, NewIndex
from memory.recall.policy import Entry, Hit, Query
from memory.recall.votes import rank_by_votes


class LayersPolicy(IndexedPolicy):
    """The question's mean query against the mean key of each block, in each layer, as in ReKV.

    ReKV lets every layer attend to blocks of its own choice; here all attend to the same, so layers vote.
    The mean of a block is that of its representatives.
    """

    name = "layers"
    uses_keys = True
    uses_embedding = False

    def __init__(self, layers: int, dim: int, new_index: NewIndex, load_index: LoadIndex) -> None:
        super().__init__([dim] * layers, new_index, load_index)

    def _vectors(self, entry: Entry) -> Sequence[Vectors]:
        return list(entry.digest.astype(np.float32).mean(axis=1, keepdims=True))

    def _rank(self, query: Query, wanted: int, allowed: Ids | None) -> list[Hit]:
        assert query.keys is not None, "this policy needs the question's keys"
        return rank_by_votes(self._indexes, query.keys, wanted, allowed)
