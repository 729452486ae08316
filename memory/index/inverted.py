"""Inverted lists: vectors in groups around centroids, of which a search looks into the nearest."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import faiss
import numpy as np
from numpy.typing import NDArray

from memory.index.faiss_index import FaissIndex, view
from memory.index.state import State
from memory.index.vector_index import Ids, Vectors

SAMPLE_PER_LIST = 32
ROUNDS = 8
"""Of k-means, over a sample of so many vectors a list."""

RESULTS = (8, 64, 512)
"""Numbers of results for which it is found out how many lists must be looked into."""

RECALL = 0.95
"""Share of the exact results that is found, on average over the harder trial queries. On what questions look
like (half towards something seen) it came to 0.99 and more.
"""

TRIALS = 64
SEED = 1234

PARAMETERS: Any = faiss.SearchParametersIVF
"""FAISS's stubs do not know that its wrapper takes fields."""

Decode: TypeAlias = Callable[[slice | Ids], Vectors]
"""Vectors of so many rows of what an index is trained on."""


class InvertedIndex(FaissIndex):
    """IVF (Jégou et al. 2011) for inner products. A variant says how a vector is coded in its list.

    Vectors go to the centroid nearest to them, and a query to the centroids with which its inner product is
    largest: the mean score of the list. (By inner product alone, long centroids would draw everything.)
    With a filter all lists are looked into: that is exact, and cheap as long as the filter is narrow.
    """

    def __init__(self, index: Any, centroids: Vectors, probes: Mapping[int, int], trained_on: int) -> None:
        """``index`` is an empty trained IVF index over an inner-product quantiser with ``centroids``."""
        super().__init__(index.d)
        self._index = index
        self._centroids = centroids
        self._nearest = faiss.IndexFlatL2(index.d)
        self._nearest.add(centroids)
        self._probes = dict(probes)
        self.trained_on = trained_on

    # What a variant says.

    @classmethod
    @abstractmethod
    def of(cls, state: State) -> InvertedIndex:
        """The index that ``state`` is of."""

    @classmethod
    @abstractmethod
    def trained(cls, decode: Decode, count: int) -> InvertedIndex:
        """An empty index for vectors like the ``count`` that ``decode`` gives.

        FAISS raises RuntimeError when there are too few to learn from.
        """

    def _codebook(self) -> Vectors:
        return np.zeros((0, 256, 0), np.float32)

    # Searching.

    def _count(self) -> int:
        return int(self._index.ntotal)

    def _code_bytes(self) -> int:
        return int(self._index.code_size)

    @property
    def lists(self) -> int:
        return len(self._centroids)

    @property
    def nbytes(self) -> int:
        return super().nbytes + 2 * self._centroids.nbytes + self._codebook().nbytes

    def probes(self, results: int) -> int:
        """Lists that are looked into for so many results.

        More as the index grows: what came after training fits the lists less and less.
        """
        growth = max(self._count() / max(self.trained_on, 1), 1.0)
        for asked, lists in self._probes.items():
            if results <= asked:
                return min(math.ceil(lists * growth), self.lists)
        return self.lists

    def _search(self, queries: Vectors, limit: int, chosen: Any) -> tuple[Vectors, Ids]:
        probes = self.lists if chosen is not None else self.probes(limit)
        scores, ids = self._probe(queries, limit, probes, chosen)
        if probes < self.lists and (ids < 0).any():
            scores, ids = self._probe(queries, limit, self.lists, chosen)
        return scores, ids

    def _probe(self, queries: Vectors, limit: int, probes: int, chosen: Any) -> tuple[Vectors, Ids]:
        params = PARAMETERS(nprobe=probes, sel=chosen)
        scores, ids = self._index.search(queries, limit, params=params)
        return scores, ids

    # Changing.

    def _add(self, ids: Ids, vectors: Vectors) -> None:
        lists = np.ascontiguousarray(self._nearest.assign(vectors, 1)[:, 0])
        self._index.add_core(len(ids), faiss.swig_ptr(vectors), faiss.swig_ptr(ids), faiss.swig_ptr(lists))

    def _remove(self, ids: Ids) -> None:
        contiguous = ids[-1] - ids[0] + 1 == len(ids)
        first, last = int(ids[0]), int(ids[-1])
        self._index.remove_ids(
            faiss.IDSelectorRange(first, last + 1) if contiguous else faiss.IDSelectorBatch(ids)
        )

    # What is here.

    def _ids(self) -> Ids:
        held = self._index.invlists
        sizes = self._sizes().tolist()
        lists = [view(held.get_ids(i), size) for i, size in enumerate(sizes) if size]
        return np.concatenate(lists) if lists else np.zeros(0, np.int64)

    def _sizes(self) -> Ids:
        return np.array([self._index.invlists.list_size(i) for i in range(self.lists)], dtype=np.int64)

    def _state(self) -> State:
        held, size = self._index.invlists, self._index.code_size
        sizes = self._sizes()
        codes = np.empty(int(sizes.sum()) * size, dtype=np.uint8)
        end = 0
        for i, rows in enumerate(sizes.tolist()):
            if rows:
                codes[end : end + rows * size] = view(held.get_codes(i), rows * size)
                end += rows * size
        return State(
            self.method,
            self.dim,
            self._ids(),
            codes.reshape(-1, size),
            self._centroids,
            sizes,
            self._codebook(),
            dict(self._probes),
            self.trained_on,
        )

    def _take_over(self, state: State) -> None:
        """Fill the lists from ``state``, whose arrays fit one another. Only while this is empty."""
        held = self._index.invlists
        end = 0
        for i, rows in enumerate(state.sizes.tolist()):
            if rows:
                ids, codes = state.ids[end : end + rows], state.codes[end : end + rows]
                held.add_entries(i, rows, faiss.swig_ptr(ids), faiss.swig_ptr(codes))
                end += rows
        self._index.ntotal = end

    # Training.

    def calibrate(self, sample: Vectors, recall: float = RECALL) -> None:
        """Find out how many lists hold ``recall`` of the best results, from the vectors that are here.

        Half of the trial queries are vectors of ``sample``, less its mean; the others point anywhere: a
        question looks for what is there, but was not read as one of them. The harder half decides. One exact
        search says in which list each result lies, and so what any number of lists would have found.
        """
        rng = np.random.default_rng(SEED)
        mean = sample.mean(axis=0)
        near = sample[rng.integers(0, len(sample), TRIALS)] - mean
        spread = float(near.std()) or 1.0
        anywhere = rng.normal(scale=spread, size=near.shape).astype(np.float32)
        with self._held():
            ranks = [self._ranks(queries.astype(np.float32)) for queries in (near, anywhere)]
        probes = 0
        for results in RESULTS:
            needed = [_probes_for(each[:, :results], self.lists, recall) for each in ranks]
            probes = self._probes[results] = max(probes, *needed)

    def _ranks(self, queries: Vectors) -> Ids:
        """For the exact results [q, k] of ``queries``, when in the query's order of lists theirs comes."""
        k = min(max(RESULTS), self._count())
        coarse, order = self._index.quantizer.search(queries, self.lists)
        scores, places = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        self._index.search_preassigned_c(
            len(queries),
            faiss.swig_ptr(queries),
            k,
            faiss.swig_ptr(order),
            faiss.swig_ptr(coarse),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(places),
            True,
            PARAMETERS(nprobe=self.lists),
            None,
        )
        position = np.empty_like(order)
        np.put_along_axis(position, order, np.arange(self.lists)[None], axis=1)
        return np.take_along_axis(position, places >> 32, axis=1)


def _probes_for(ranks: Ids, lists: int, recall: float) -> int:
    """How many lists find ``recall`` of the results that lie in lists of these ranks."""
    found = np.cumsum(np.bincount(ranks.ravel(), minlength=lists)) / ranks.size
    return int(np.searchsorted(found, recall)) + 1


def lists_for(count: int) -> int:
    """Lists for so many vectors: some times the square root, as comparing centroids costs as well."""
    return max(round(2 * math.sqrt(count)), 1)


def rows_for(count: int, wanted: int) -> Ids:
    """So many of ``count`` rows, or all; sorted, each once, the same each time."""
    if wanted >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, wanted, replace=False))


def cluster(sample: Vectors, lists: int) -> Vectors:
    """Centroids [lists, dim] of ``sample`` by k-means; the same each time."""
    faiss.omp_set_num_threads(1)
    means = faiss.Clustering(sample.shape[1], lists)
    means.niter = ROUNDS
    means.seed = SEED
    means.min_points_per_centroid = 1
    means.max_points_per_centroid = SAMPLE_PER_LIST
    nearest = faiss.IndexFlatL2(sample.shape[1])
    means.train(sample, nearest)
    found: NDArray[np.float32] = nearest.reconstruct_n(0, lists)
    return found
