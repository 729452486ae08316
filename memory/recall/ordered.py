"""Puts blocks before others by their place in the order of events, where the question asks for that."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from memory.block import BlockInfo
from memory.recall.order_phrase import Order
from memory.recall.policy import Hit

ANCHORS = 2
"""So many of the best blocks may be what the question names; what came before and after each comes along."""

STEPS = 16
"""So many blocks of one moment are passed over on the way to the one before or after it."""


def in_order(
    hits: Sequence[Hit], order: Order, ids: Sequence[int], infos: Mapping[int, BlockInfo], limit: int
) -> list[Hit]:
    """``hits`` (best first) with those before them that ``order`` asks for; ``ids`` (sorted) are the blocks
    that can be meant.

    *first*: the earliest moments, half of ``limit``. *around*: right behind each of the best two the moments
    before and after it, half of ``limit`` in all. Scores go on descending.
    """
    if order == "first":
        best = hits[0].score if hits else 0.0
        earliest = list(_moments(ids, infos, max(limit // 2, 1)))
        found = [
            Hit(block_id, _step(best, len(earliest) - n, up=True)) for n, block_id in enumerate(earliest)
        ]
        return [*found, *_without(hits, earliest)]
    found, added = [], 0
    for hit in hits[:ANCHORS]:
        taken = {other.block_id for other in found}
        around = [] if hit.block_id in taken else list(_around(hit.block_id, ids, infos))
        near = [block_id for block_id in around if block_id not in taken]
        near = near[: max(limit // 2 - added, 0)]
        added += len(near)
        found += [] if hit.block_id in taken else [hit]
        found += [Hit(block_id, _step(hit.score, n)) for n, block_id in enumerate(near, 1)]
    return [*found, *_without(hits, [hit.block_id for hit in found])]


def _without(hits: Iterable[Hit], block_ids: Sequence[int]) -> list[Hit]:
    return [hit for hit in hits if hit.block_id not in block_ids]


def _moments(ids: Iterable[int], infos: Mapping[int, BlockInfo], limit: int) -> Iterator[int]:
    """The first block of each of ``limit`` moments at most: blocks in a row that say the same are one."""
    said, found = None, 0
    for block_id in ids:
        if found == limit:
            return
        info = infos.get(int(block_id))
        if info is not None and (said is None or info.text != said or not info.text):
            said, found = info.text, found + 1
            yield int(block_id)


def _around(block_id: int, ids: Sequence[int], infos: Mapping[int, BlockInfo]) -> Iterator[int]:
    """A block of the moment before that of ``block_id``, and of the one after it."""
    at = bisect_left(ids, block_id)
    after = at + 1 if at < len(ids) and ids[at] == block_id else at
    own = infos.get(block_id)
    said = "" if own is None else own.text
    for near in (ids[max(at - STEPS, 0) : at][::-1], ids[after : after + STEPS]):
        for other in near:
            info = infos.get(other)
            if info is not None and (not info.text or info.text != said):
                yield other
                break


def _step(score: float, steps: int, *, up: bool = False) -> float:
    for _ in range(steps):
        score = math.nextafter(score, math.inf if up else -math.inf)
    return score
