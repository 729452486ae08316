"""Inverted lists of vectors that are quantised in parts."""

from __future__ import annotations

from collections.abc import Mapping

import faiss
import numpy as np

from memory.index.inverted import SAMPLE_PER_LIST, Decode, InvertedIndex, cluster, lists_for, rows_for
from memory.index.ivf import NO_PROBES
from memory.index.state import State
from memory.index.vector_index import Ids, Vectors

CODES = 256
"""Of each part: a byte."""

SAMPLE = 16 * CODES
ROUNDS = 6
"""Of k-means, over a sample of so many vectors, in each part."""


class IvfPqIndex(InvertedIndex):
    """Product quantisation (Jégou et al. 2011) of what a vector differs by from its list's centroid.

    A byte for every two numbers, a quarter of float16. Scores are close to the exact ones, not equal.
    """

    method = "ivfpq"

    def __init__(
        self,
        centroids: Vectors,
        codebook: Vectors,
        probes: Mapping[int, int] = NO_PROBES,
        trained_on: int = 0,
    ) -> None:
        """``codebook`` is [parts, 256, dim of a part]."""
        lists, dim = centroids.shape
        quantiser = faiss.IndexFlatIP(dim)
        quantiser.add(centroids)
        index = faiss.IndexIVFPQ(quantiser, dim, lists, len(codebook), 8, faiss.METRIC_INNER_PRODUCT)
        faiss.copy_array_to_vector(np.ascontiguousarray(codebook).ravel(), index.pq.centroids)
        index.is_trained = True
        super().__init__(index, centroids, probes, trained_on)
        self._book = codebook

    @classmethod
    def of(cls, state: State) -> IvfPqIndex:
        index = cls(state.centroids, state.codebook, state.probes, state.trained_on)
        index._take_over(state)
        return index

    @classmethod
    def trained(cls, decode: Decode, count: int) -> IvfPqIndex:
        """An empty index for vectors like the ``count`` that ``decode`` gives, at least 256."""
        lists = lists_for(count)
        centroids = cluster(decode(rows_for(count, lists * SAMPLE_PER_LIST)), lists)
        sample = decode(rows_for(count, SAMPLE))
        nearest = faiss.IndexFlatL2(sample.shape[1])
        nearest.add(centroids)
        rest = sample - centroids[nearest.assign(sample, 1)[:, 0]]
        quantiser = faiss.ProductQuantizer(sample.shape[1], parts_of(sample.shape[1]), 8)
        quantiser.cp.niter = ROUNDS
        quantiser.cp.min_points_per_centroid = 1
        quantiser.train(rest)
        book = faiss.vector_to_array(quantiser.centroids).reshape(quantiser.M, CODES, quantiser.dsub)
        return cls(centroids, book, trained_on=count)

    def _codebook(self) -> Vectors:
        return self._book

    def decode(self, state: State, rows: slice | Ids) -> Vectors:
        lists = np.repeat(np.arange(len(state.sizes)), state.sizes)[rows]
        rest: Vectors = self._index.pq.decode(np.ascontiguousarray(state.codes[rows]))
        return rest + state.centroids[lists]


def parts_of(dim: int) -> int:
    """Parts into which vectors of ``dim`` are cut: pairs of numbers, or single ones when ``dim`` is odd."""
    return dim // 2 if dim % 2 == 0 else dim
