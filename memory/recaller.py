"""Hands blocks back: found by the policy, brought up from RAM or disk, decoded on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import RLock

from memory.block import Block, BlockInfo
from memory.codec.codecs import decode
from memory.hot import HotTier
from memory.pool import BlockPool
from memory.recall.likeness import Likeness
from memory.recall.ordered import in_order
from memory.recall.policy import Entry, Hit, Query, RecallPolicy
from memory.recall.selection import select
from memory.recall.span import Where
from memory.shape import MemoryShape
from memory.transfer import Transfer
from streams.config import MemoryConfig
from streams.errors import MemoryStoreError
from streams.types import BlockKind, Moment

CANDIDATES = 64
"""Blocks that a policy is asked for, of which the best that differ are handed back."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Blocks handed back for a question, in time order, and what they are."""

    blocks: tuple[Block, ...]
    moments: tuple[Moment, ...]


class Recaller:
    """One session's way back from a question to blocks. Thread-safe; ``lock`` is the memory's."""

    def __init__(
        self,
        policy: RecallPolicy,
        pool: BlockPool,
        config: MemoryConfig,
        shape: MemoryShape,
        transfer: Transfer,
        lock: RLock,
        *,
        hot_budget: Callable[[], int],
    ) -> None:
        """``hot_budget``: bytes on the device that blocks handed back lately may take."""
        self._policy = policy
        self._pool = pool
        self._config = config
        self._shape = shape
        self._transfer = transfer
        self._lock = lock
        self._hot_budget = hot_budget
        self._hot = HotTier()

    @property
    def hot_bytes(self) -> int:
        return self._hot.nbytes

    def recall(self, query: Query, where: Where, limit: int | None) -> Recalled:
        """As ``StreamMemory.recall``."""
        limit = self._config.recall_blocks if limit is None else limit
        if limit == 0 or where.now or not len(self._policy):
            return Recalled((), ())
        neighbours = self._config.recall_neighbours
        admitted = self._pool.sealed.admitted(where) if where.restricts or neighbours else None
        allowed = admitted if where.restricts else None
        hits = self._policy.rank(query, max(CANDIDATES, 2 * limit), allowed)
        beside = admitted.tolist() if admitted is not None and neighbours else []
        found: dict[int, Block] = {}
        chosen = self._choose(hits, where, beside, limit, found)
        ids = [hit.block_id for hit in chosen]
        self._pool.recalled(ids)
        # What was nearly chosen is what the next question on the same matter is likely to want.
        self._pool.prefetch([hit.block_id for hit in hits if hit.block_id not in found][:limit])
        moments = tuple(_moment(found[hit.block_id].info, hit.score) for hit in chosen)
        return Recalled(tuple(found[block_id] for block_id in ids), moments)

    def _choose(
        self,
        hits: Sequence[Hit],
        where: Where,
        beside: Sequence[int],
        limit: int,
        found: dict[int, Block],
    ) -> list[Hit]:
        """Which blocks to hand back out of ``hits``, those that ``where`` puts in order, and of ``beside``
        (sorted) those around them, brought up into ``found``; those that cannot be read are passed over."""

        def block(block_id: int) -> Block:
            if block_id not in found:
                try:
                    found[block_id] = self.fetch(block_id)
                except (KeyError, MemoryStoreError):
                    # Forgotten or given up, and reported as that, since it was ranked.
                    raise _GoneError(block_id) from None
            return found[block_id]

        infos = _Remembered(self._pool.sealed)

        def entry(block_id: int) -> Entry:
            try:
                return Entry.of(found[block_id]) if block_id in found else self._entry(block_id)
            except (KeyError, MemoryStoreError):
                raise _GoneError(block_id) from None

        alike = Likeness(entry)
        ids: list[int] = []
        if where.order is not None:
            # Of what was seen, unless it is asked for what was said.
            meant = replace(where, kinds=where.kinds or frozenset([BlockKind.FRAME]))
            ids = self._pool.sealed.admitted(meant).tolist()
        while True:
            try:
                ranked = (
                    hits if where.order is None else in_order(hits, where.order, ids, infos, limit, alike)
                )
                chosen = select(
                    ranked, infos, limit, alike, neighbours=self._config.recall_neighbours, order=beside
                )
                self._pool.load([hit.block_id for hit in chosen if not self._is_hot(hit.block_id, found)])
                for hit in chosen:
                    block(hit.block_id)
            except _GoneError as gone:
                hits = [hit for hit in hits if hit.block_id != gone.block_id]
                beside = [block_id for block_id in beside if block_id != gone.block_id]
                ids = [block_id for block_id in ids if block_id != gone.block_id]
            else:
                return chosen

    def _entry(self, block_id: int) -> Entry:
        """What recall knows a sealed block by; the block stays where it is. Raises as ``fetch``."""
        with self._lock:
            block = self._hot.get(block_id)
        return self._pool.entry(block_id) if block is None else Entry.of(block)

    def _is_hot(self, block_id: int, found: dict[int, Block]) -> bool:
        with self._lock:
            return block_id in found or block_id in self._hot

    def fetch(self, block_id: int) -> Block:
        """A sealed block on the device. Raises KeyError, MemoryStoreError."""
        with self._lock:
            block = self._hot.get(block_id)
        if block is None:
            encoded = self._pool.fetch(block_id)
            block = decode(self._transfer.to_device(encoded), self._shape.dtype)
            with self._lock:
                if block_id in self._pool.sealed:
                    self._hot.put(block, self._hot_budget())
        return block

    def settle(self) -> None:
        """Keep within the budget, which the window may have narrowed."""
        self._hot.shrink(self._hot_budget())

    def forget(self, block_ids: Sequence[int]) -> None:
        for block_id in block_ids:
            self._hot.remove(block_id)
            if block_id in self._policy:
                self._policy.remove(block_id)

    def close(self) -> None:
        self._hot.clear()


class _Remembered(Mapping[int, BlockInfo]):
    """What was looked up once stays known, also when the block is forgotten meanwhile on another thread."""

    def __init__(self, infos: Mapping[int, BlockInfo]) -> None:
        self._infos = infos
        self._known: dict[int, BlockInfo] = {}

    def __getitem__(self, block_id: int) -> BlockInfo:
        if block_id not in self._known:
            self._known[block_id] = self._infos[block_id]
        return self._known[block_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._infos)

    def __len__(self) -> int:
        return len(self._infos)


class _GoneError(Exception):
    def __init__(self, block_id: int) -> None:
        super().__init__(block_id)
        self.block_id = block_id


def _moment(info: BlockInfo, score: float) -> Moment:
    return Moment(info.start_us, info.end_us, score, info.kind, info.text, info.id)
