"""Recall by several representative keys a block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memory.index.vector_index import Ids, Vectors
from memory.recall.indexed import IndexedPolicy, LoadIndex, NewIndex
from memory.recall.policy import Entry, Hit, Query
from memory.recall.votes import rank_by_votes


class RepresentativesPolicy(IndexedPolicy):
    """A block matches as well as the best of its representative keys does (InfLLM), in each layer.

    A long block is found by the part of it that is asked about. The question is its mean query (ReKV);
    layers vote.
    """

    name = "representatives"
    uses_keys = True
    uses_embedding = False

    def __init__(self, layers: int, dim: int, new_index: NewIndex, load_index: LoadIndex) -> None:
        super().__init__([dim] * layers, new_index, load_index)

    def _vectors(self, entry: Entry) -> Sequence[Vectors]:
        return list(entry.digest.astype(np.float32))

    def _rank(self, query: Query, wanted: int, allowed: Ids | None) -> list[Hit]:
        assert query.keys is not None, "this policy needs the question's keys"
        return rank_by_votes(self._indexes, query.keys, wanted, allowed)
