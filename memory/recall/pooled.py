"""Recall by one search over all layers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.index.vector_index import Ids, Vectors
from memory.recall.indexed import IndexedPolicy, LoadIndex, NewIndex, best_of_each
from memory.recall.policy import Entry, Hit, Query
from memory.recall.saved import load_array, save_array

SAMPLE = 256
"""Blocks by whose keys the scale of a layer's scores is estimated."""

SAMPLE_FILE = "sample.npy"


class PooledPolicy(IndexedPolicy):
    """Representative keys of all layers, one behind the other, in one index.

    An inner product of concatenated vectors is the sum of the layers' scores. So that each layer counts the
    same, the *query* of a layer is divided by the spread of its scores over a sample of blocks: stored
    vectors need not change when the estimate does. Unlike where layers vote, one and the same
    representative speaks for a block in all layers.
    """

    name = "pooled"
    uses_keys = True
    uses_embedding = False
    _more_names = (SAMPLE_FILE,)

    def __init__(self, layers: int, dim: int, new_index: NewIndex, load_index: LoadIndex) -> None:
        super().__init__([layers * dim], new_index, load_index)
        self._layers, self._dim = layers, dim
        self._sample = np.zeros((SAMPLE, layers, dim), dtype=np.float16)
        self._seen = 0

    @property
    def nbytes(self) -> int:
        return super().nbytes + self._sample.nbytes

    @property
    def _shape(self) -> dict[str, int]:
        return {"layers": self._layers, "dim": self._dim}

    def _vectors(self, entry: Entry) -> Sequence[Vectors]:
        digest = entry.digest.astype(np.float32)
        return [digest.transpose(1, 0, 2).reshape(digest.shape[1], -1)]

    def add(self, entry: Entry) -> None:
        super().add(entry)
        # A reservoir (Vitter 1985) whose draws depend on the count alone, so that runs can be repeated.
        place = self._seen
        if place >= SAMPLE:
            place = int(np.random.default_rng(self._seen).integers(self._seen + 1))
        if place < SAMPLE:
            self._sample[place] = entry.digest.mean(axis=1, dtype=np.float32)
        self._seen += 1

    def _rank(self, query: Query, wanted: int, allowed: Ids | None) -> list[Hit]:
        assert query.keys is not None, "this policy needs the question's keys"
        scaled = (query.keys / self._spread(query.keys)[:, None]).reshape(1, -1)
        scores, ids = self._indexes[0].search(scaled, wanted, allowed)
        scores, ids = best_of_each(scores[0], ids[0])
        return [Hit(int(i), float(score) / self._layers) for i, score in zip(ids, scores, strict=True)]

    def _spread(self, keys: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standard deviation of each layer's scores over the sample: [layers]."""
        sample = self._sample[: min(self._seen, SAMPLE)].astype(np.float32)
        spread: NDArray[np.float32] = np.einsum("nld,ld->nl", sample, keys).std(axis=0) + np.float32(1e-6)
        return spread

    def _write(self, folder: Path) -> None:
        super()._write(folder)
        save_array(folder / SAMPLE_FILE, self._sample[: min(self._seen, SAMPLE)])

    def _read_more(self, folder: Path) -> Callable[[], None]:
        sample = load_array(folder / SAMPLE_FILE, np.float16, (None, self._layers, self._dim))[:SAMPLE]

        def take_over() -> None:
            self._sample[: len(sample)] = sample
            self._seen = max(len(self), len(sample))

        return take_over
