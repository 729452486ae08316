"""From ranked blocks to the few worth reading again."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.block import BlockInfo
from memory.recall.policy import Hit, nudged
from streams.types import US_PER_S, BlockKind

ALIKE_WITHIN_US = 30 * US_PER_S
"""Blocks that say the same within this time show one moment."""

ALIKE_WORDS = 0.5
"""Frames near in time that share this part of their words (Jaccard) show the same thing."""

ALIKE_COSINE = 0.97
"""So do frames near in time whose digests are this close, where words don't tell. (Neighbours of the same
names came to 0.977 at least with the embedded model, of other names to 0.937 at most; but the longer what
frames say, the nearer their means are to each other whatever it is.)"""

DigestOf: TypeAlias = Callable[[int], NDArray[np.floating]]
"""The digest [layers, representatives, dim] of a block."""

WORD = re.compile(r"\w+")


def select(
    hits: Iterable[Hit],
    infos: Mapping[int, BlockInfo],
    limit: int,
    *,
    neighbours: int = 0,
    order: Sequence[int] = (),
    digest_of: DigestOf | None = None,
) -> list[Hit]:
    """At most ``limit`` blocks out of ``hits`` (best first) and around them, in time order.

    A block that shows what a better one shows is passed over: maximal marginal relevance (Carbonell &
    Goldstein 1998) with a threshold in place of a weight, so that ``hits`` is only drawn from until
    ``limit`` is reached. With each moment come up to ``neighbours`` blocks before and after it in ``order``
    (sorted ids), the nearest first, if they show something else; their scores stand just below its own.
    Blocks that are not in ``infos`` (any more) are passed over.
    """
    alike = _Likeness(digest_of)
    chosen: dict[int, Hit] = {}

    def take(hit: Hit) -> bool:
        info = infos.get(hit.block_id)
        if info is None or any(alike(info, infos[other]) for other in chosen):
            return False
        chosen[hit.block_id] = hit
        return True

    hits = iter(hits)
    while len(chosen) < limit and (hit := next(hits, None)) is not None:
        # A moment that came along with a better one brings its own neighbours, too.
        if hit.block_id in chosen or take(hit):
            for distance, block_id in _around(hit.block_id, order, neighbours):
                if len(chosen) == limit:
                    break
                if block_id not in chosen:
                    take(Hit(block_id, nudged(hit.score, -distance)))
    return [chosen[block_id] for block_id in sorted(chosen)]


def _around(block_id: int, order: Sequence[int], neighbours: int) -> Iterable[tuple[int, int]]:
    """Ids around ``block_id`` and how far off they are, the nearest first and of two the earlier."""
    at = bisect_left(order, block_id)
    after = at + 1 if at < len(order) and order[at] == block_id else at
    for distance in range(1, neighbours + 1):
        if at - distance >= 0:
            yield distance, int(order[at - distance])
        if after + distance - 1 < len(order):
            yield distance, int(order[after + distance - 1])


class _Likeness:
    """Whether two blocks show one moment. Digests are looked at last, each once.

    What was said is only alike when it is the same words: "at four" and "at five" are not.
    """

    def __init__(self, digest_of: DigestOf | None) -> None:
        self._direction = lru_cache(maxsize=None)(lambda block_id: _direction(digest_of, block_id))
        self._with_digests = digest_of is not None

    def __call__(self, a: BlockInfo, b: BlockInfo) -> bool:
        if a.kind is not b.kind or abs(a.start_us - b.start_us) > ALIKE_WITHIN_US:
            return False
        if a.text and a.text == b.text:
            return True
        if a.kind is not BlockKind.FRAME:
            return WORD.findall(a.text.lower()) == WORD.findall(b.text.lower())
        if a.text and b.text:
            return _jaccard(a.text, b.text) >= ALIKE_WORDS
        return self._with_digests and float(self._direction(a.id) @ self._direction(b.id)) >= ALIKE_COSINE


def _jaccard(a: str, b: str) -> float:
    first, second = (set(WORD.findall(text.lower())) for text in (a, b))
    return len(first & second) / max(len(first | second), 1)


def _direction(digest_of: DigestOf | None, block_id: int) -> NDArray[np.float32]:
    """A block's mean digest in every layer, each of unit length, over all layers: [layers * dim]."""
    assert digest_of is not None
    mean = digest_of(block_id).astype(np.float32).mean(axis=1)
    unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    direction: NDArray[np.float32] = unit.ravel() / np.sqrt(np.float32(len(unit)))
    return direction
