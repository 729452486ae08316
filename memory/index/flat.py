"""Exact search: every vector is compared."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from memory.index.faiss_index import FaissIndex, view
from memory.index.state import State
from memory.index.vector_index import Ids, Vectors

PARAMETERS: Any = faiss.SearchParameters
"""FAISS's stubs do not know that its wrapper takes fields."""


class FlatIndex(FaissIndex):
    """Inner products with every vector, which are kept in float16 (what digests are): half the bytes, and
    about half the time, of float32.

    Vectors lie in no order: the last ones fill the gaps of those that are removed, so that removing a few
    costs a look at the ids and not a move of everything behind them.
    """

    method = "flat"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self._codes = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._index = faiss.IndexIDMap(self._codes)

    @classmethod
    def of(cls, state: State) -> FlatIndex:
        """The index that ``state`` is of."""
        index = cls(state.dim)
        if len(state):
            index._index.add_sa_codes(state.codes, state.ids)
        return index

    def _count(self) -> int:
        return int(self._index.ntotal)

    def _code_bytes(self) -> int:
        return int(self._codes.code_size)

    def _ids(self) -> Ids:
        return self._id_view().copy()

    def _id_view(self) -> Ids:
        count = self._count()
        return view(self._index.id_map.data(), count) if count else np.zeros(0, np.int64)

    def _add(self, ids: Ids, vectors: Vectors) -> None:
        self._index.add_with_ids(vectors, ids)

    def _remove(self, ids: Ids) -> None:
        held = self._id_view()
        gone = np.flatnonzero(held == ids[0] if len(ids) == 1 else np.isin(held, ids))
        if not len(gone):
            return
        size, count = self._codes.code_size, len(held) - len(gone)
        gaps = gone[gone < count]
        movers = np.setdiff1d(np.arange(count, len(held)), gone, assume_unique=True)
        codes = view(self._codes.codes.data(), len(held) * size).reshape(-1, size)
        codes[gaps] = codes[movers]
        held[gaps] = held[movers]
        self._codes.codes.resize(count * size)
        self._index.id_map.resize(count)
        self._codes.ntotal = self._index.ntotal = count

    def _search(self, queries: Vectors, limit: int, chosen: Any) -> tuple[Vectors, Ids]:
        params = None if chosen is None else PARAMETERS(sel=chosen)
        scores, ids = self._index.search(queries, limit, params=params)
        return scores, ids

    def _state(self) -> State:
        count, size = self._count(), self._codes.code_size
        codes = view(self._codes.codes.data(), count * size).copy() if count else np.zeros(0, np.uint8)
        return State(self.method, self.dim, self._ids(), codes.reshape(count, size))

    def decode(self, state: State, rows: slice | Ids) -> Vectors:
        return halves(state, rows)


def halves(state: State, rows: slice | Ids) -> Vectors:
    """Vectors of ``rows`` of a state whose codes are float16."""
    return state.codes[rows].view(np.float16).astype(np.float32)
