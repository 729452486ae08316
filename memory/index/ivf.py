"""Inverted lists of whole vectors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import faiss

from memory.index.flat import halves
from memory.index.inverted import SAMPLE_PER_LIST, Decode, InvertedIndex, cluster, lists_for, rows_for
from memory.index.state import State
from memory.index.vector_index import Ids, Vectors

NO_PROBES: Mapping[int, int] = MappingProxyType({})


class IvfIndex(InvertedIndex):
    """Vectors in float16: scores are exact; what lies in lists that were not looked into is missed."""

    method = "ivf"

    def __init__(
        self, centroids: Vectors, probes: Mapping[int, int] = NO_PROBES, trained_on: int = 0
    ) -> None:
        lists, dim = centroids.shape
        quantiser = faiss.IndexFlatIP(dim)
        quantiser.add(centroids)
        kind, metric = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexIVFScalarQuantizer(quantiser, dim, lists, kind, metric, False)
        index.is_trained = True  # float16 has nothing to learn, and the centroids are there
        super().__init__(index, centroids, probes, trained_on)

    @classmethod
    def of(cls, state: State) -> IvfIndex:
        index = cls(state.centroids, state.probes, state.trained_on)
        index._take_over(state)
        return index

    @classmethod
    def trained(cls, decode: Decode, count: int) -> IvfIndex:
        lists = lists_for(count)
        return cls(cluster(decode(rows_for(count, lists * SAMPLE_PER_LIST)), lists), trained_on=count)

    def decode(self, state: State, rows: slice | Ids) -> Vectors:
        return halves(state, rows)
