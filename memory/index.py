"""Finds blocks by their digests: one FAISS index per indexed layer."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LayerHits:
    """What one layer's index answered: block ids and scores, best first, one entry a block."""

    block_ids: NDArray[np.int64]
    scores: NDArray[np.float32]


class DigestIndex:
    """Inner-product search over representative keys, exact (flat), apart for each layer."""

    def __init__(self, layers: int, dim: int) -> None:
        self._indexes = [faiss.IndexIDMap(faiss.IndexFlatIP(dim)) for _ in range(layers)]
        self._rows: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._rows

    @property
    def nbytes(self) -> int:
        return sum(index.ntotal * index.d * 4 for index in self._indexes)

    def add(self, block_id: int, digest: NDArray[np.float32]) -> None:
        """``digest`` is [layers, representatives, dim]."""
        assert block_id not in self._rows, f"block {block_id} is indexed already"
        rows = digest.shape[1]
        self._rows[block_id] = rows
        ids = np.full(rows, block_id, dtype=np.int64)
        for index, keys in zip(self._indexes, digest, strict=True):
            index.add_with_ids(np.ascontiguousarray(keys), ids)

    def remove(self, block_id: int) -> None:
        """Raises KeyError when the block is not indexed."""
        del self._rows[block_id]
        for index in self._indexes:
            index.remove_ids(faiss.IDSelectorBatch(np.array([block_id], dtype=np.int64)))

    def search(self, query: NDArray[np.float32], limit: int) -> list[LayerHits]:
        """For each layer the best ``limit`` representatives of ``query`` [layers, dim], best of a block."""
        hits = []
        for index, vector in zip(self._indexes, query, strict=True):
            scores, ids = index.search(vector[None], min(limit, index.ntotal))
            unique, first = np.unique(ids[0], return_index=True)
            order = np.argsort(first)
            hits.append(LayerHits(unique[order], scores[0][first][order]))
        return hits
