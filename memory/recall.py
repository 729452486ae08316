"""From a question to the blocks worth reading again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.block import BlockInfo
from memory.index import DigestIndex, LayerHits
from streams.types import US_PER_S

CANDIDATES = 512
"""Representatives looked at in each layer."""

ALIKE_WITHIN_US = 30 * US_PER_S
"""Blocks that say the same within this time show one moment."""


@dataclass(frozen=True, slots=True)
class Hit:
    block_id: int
    score: float


def rank(index: DigestIndex, query: NDArray[np.float32]) -> list[Hit]:
    """Blocks by how well they match ``query`` [layers, dim], best first.

    As in ReKV, a mean query is scored against the keys of blocks, here representative keys in several
    layers. Scores of layers differ in scale, so each layer votes with standard scores; a block that
    a layer did not return gets the least of those it did (as XTR imputes). The score is the mean vote.
    """
    if not len(index):
        return []
    layers = index.search(query, CANDIDATES)
    ids = np.unique(np.concatenate([hits.block_ids for hits in layers]))
    votes = np.mean([_votes(hits, ids) for hits in layers], axis=0)
    order = np.argsort(-votes, kind="stable")
    return [Hit(int(ids[i]), float(votes[i])) for i in order]


def _votes(hits: LayerHits, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    scores = hits.scores.astype(np.float64)
    standard = (scores - scores.mean()) / (scores.std() + 1e-6)
    votes = np.full(len(ids), standard.min())
    votes[np.searchsorted(ids, hits.block_ids)] = standard
    return votes


def select(hits: Sequence[Hit], infos: dict[int, BlockInfo], limit: int) -> list[Hit]:
    """The best ``limit`` of ``hits`` (best first), one for each moment, in time order.

    A block that says what a better one close in time says shows nothing new and is passed over.
    """
    chosen: list[Hit] = []
    for hit in hits:
        if len(chosen) == limit:
            break
        info = infos[hit.block_id]
        if not any(_alike(info, infos[other.block_id]) for other in chosen):
            chosen.append(hit)
    return sorted(chosen, key=lambda hit: hit.block_id)


def _alike(a: BlockInfo, b: BlockInfo) -> bool:
    return a.kind is b.kind and a.text == b.text and abs(a.start_us - b.start_us) <= ALIKE_WITHIN_US
