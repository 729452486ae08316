"""From ranked blocks to the few worth reading again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from memory.block import BlockInfo
from memory.recall.likeness import Likeness
from memory.recall.policy import Hit, nudged


def select(
    hits: Iterable[Hit],
    infos: Mapping[int, BlockInfo],
    limit: int,
    alike: Likeness,
    *,
    neighbours: int = 0,
    order: Sequence[int] = (),
) -> list[Hit]:
    """At most ``limit`` blocks out of ``hits`` (best first) and around them, in time order.

    A block that shows what a better one shows is passed over: maximal marginal relevance (Carbonell &
    Goldstein 1998) with a threshold in place of a weight, so that ``hits`` is only drawn from until
    ``limit`` is reached. With each moment come up to ``neighbours`` blocks before and after it in ``order``
    (sorted ids), the nearest first, if they show something else; their scores stand just below its own.
    Blocks that are not in ``infos`` (any more) are passed over.
    """
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
