"""Recall by text embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory.index.vector_index import Ids, Vectors
from memory.recall.indexed import IndexedPolicy, LoadIndex, NewIndex, best_of_each
from memory.recall.policy import Entry, Hit, Query
from streams.errors import MemoryStoreError


class ExternalPolicy(IndexedPolicy):
    """The embedding of the question against those of what blocks say, by cosine.

    The embeddings come from a model of its own that was trained for this, hence external.
    """

    name = "external"
    uses_keys = False
    uses_embedding = True

    def __init__(self, embedding_dim: int, new_index: NewIndex, load_index: LoadIndex) -> None:
        super().__init__([embedding_dim], new_index, load_index)

    def _vectors(self, entry: Entry) -> Sequence[Vectors]:
        """Raises MemoryStoreError when the block was read while there was no embedding model."""
        if entry.embedding is None:
            raise MemoryStoreError(f"block {entry.info.id} has no text embedding", param="memory.policy")
        return [_unit(entry.embedding)]

    def _rank(self, query: Query, wanted: int, allowed: Ids | None) -> list[Hit]:
        assert query.embedding is not None, "this policy needs the question's embedding"
        scores, ids = self._indexes[0].search(_unit(query.embedding), wanted, allowed)
        scores, ids = best_of_each(scores[0], ids[0])
        return [Hit(int(i), float(score)) for i, score in zip(ids, scores, strict=True)]


def _unit(vector: NDArray[np.floating]) -> Vectors:
    """[dim] as [1, dim] of unit length; zeros stay zeros, which match nothing."""
    single = vector.astype(np.float32)[None]
    scaled: Vectors = single / max(float(np.linalg.norm(single)), 1e-12)
    return scaled
