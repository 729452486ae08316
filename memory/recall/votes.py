"""Ranking by the votes of layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory.index.vector_index import Ids, VectorIndex, Vectors
from memory.recall.indexed import best_of_each
from memory.recall.policy import Hit


def rank_by_votes(
    indexes: Sequence[VectorIndex], keys: NDArray[np.float32], wanted: int, allowed: Ids | None
) -> list[Hit]:
    """Blocks by how well they match ``keys`` [layers, dim], best first; one index a layer.

    Scores of layers differ in scale, so each layer votes with standard scores; a block that a layer did
    not return gets the least of those it did (as XTR imputes, Lee et al. 2023). The score is the mean vote.
    """
    layers: list[tuple[Vectors, Ids]] = []
    for index, key in zip(indexes, keys, strict=True):
        scores, ids = index.search(key[None], wanted, allowed)
        layers.append(best_of_each(scores[0], ids[0]))
    layers = [layer for layer in layers if len(layer[1])]
    if not layers:
        return []
    known = np.unique(np.concatenate([ids for _, ids in layers]))
    votes = np.mean([_votes(scores, ids, known) for scores, ids in layers], axis=0)
    order = np.argsort(-votes, kind="stable")
    return [Hit(int(known[i]), float(votes[i])) for i in order]


def _votes(scores: Vectors, ids: Ids, known: Ids) -> NDArray[np.float64]:
    precise = scores.astype(np.float64)
    standard = (precise - precise.mean()) / (precise.std() + 1e-6)
    votes = np.full(len(known), standard.min())
    votes[np.searchsorted(known, ids)] = standard
    return votes
