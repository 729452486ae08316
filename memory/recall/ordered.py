"""Puts blocks before others by their place in the order of events, where the question asks for that."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from memory.block import BlockInfo
from memory.recall.likeness import Likeness
from memory.recall.order_phrase import Order
from memory.recall.policy import Hit, nudged

ANCHORS = 2
"""So many of the best blocks may be what the question names; what came before and after each comes along."""

STEPS = 16
"""So many blocks of one moment are looked at on the way to the one before or after it."""


def in_order(
    hits: Sequence[Hit],
    order: Order,
    ids: Sequence[int],
    infos: Mapping[int, BlockInfo],
    limit: int,
    alike: Likeness,
) -> list[Hit]:
    """``hits`` (best first) with those before them that ``order`` asks for; ``ids`` (sorted) are the blocks
    that can be meant.

    *first*: the earliest moments, half of ``limit``. *around*: right behind each of the best two the moments
    before and after it, half of ``limit`` in all. Scores go on descending.
    """
    found: dict[int, Hit] = {}
    room = limit // 2
    if order == "first":
        best = hits[0].score if hits else 0.0
        earliest = list(_moments(ids, infos, max(room, 1), alike))
        for steps, block_id in zip(range(len(earliest), 0, -1), earliest, strict=True):
            found[block_id] = Hit(block_id, nudged(best, steps))
    else:
        for hit in hits[:ANCHORS]:
            if hit.block_id in found:
                continue
            found[hit.block_id] = hit
            near = [other for other in _around(hit.block_id, ids, infos, alike) if other not in found][:room]
            room -= len(near)
            for steps, block_id in enumerate(near, 1):
                found[block_id] = Hit(block_id, nudged(hit.score, -steps))
    return [*found.values(), *(hit for hit in hits if hit.block_id not in found)]


def _moments(
    ids: Iterable[int], infos: Mapping[int, BlockInfo], limit: int, alike: Likeness
) -> Iterator[int]:
    """The first block of each of ``limit`` moments at most: blocks in a row that show the same are one."""
    moment: BlockInfo | None = None
    found = passed = 0
    for block_id in ids:
        if found == limit:
            return
        info = infos.get(block_id)
        if info is None:
            continue
        if moment is None or passed == STEPS or not alike.same(moment, info):
            moment, passed = info, 0
            found += 1
            yield block_id
        else:
            # What is the same word for word costs nothing to pass over.
            passed += not info.text or info.text != moment.text


def _around(
    block_id: int, ids: Sequence[int], infos: Mapping[int, BlockInfo], alike: Likeness
) -> Iterator[int]:
    """A block of the moment before that of ``block_id``, and of the one after it."""
    at = bisect_left(ids, block_id)
    after = at + 1 if at < len(ids) and ids[at] == block_id else at
    own = infos.get(block_id)
    for near in (ids[max(at - STEPS, 0) : at][::-1], ids[after : after + STEPS]):
        for other in near:
            info = infos.get(other)
            if info is not None and (own is None or not alike.same(own, info)):
                yield other
                break
