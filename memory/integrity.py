"""Whether the parts of a memory agree about which block is where."""

from __future__ import annotations

from memory.pool import BlockPool
from memory.recall.policy import RecallPolicy
from memory.window import Window


def check(window: Window, pool: BlockPool, policy: RecallPolicy, spare_bytes: int) -> None:
    """Raises AssertionError. The memory's lock is held. ``spare_bytes`` of the device's budget are left."""
    pool.check_integrity()
    sealed = set(pool.sealed)
    assert sealed == set(policy.block_ids().tolist()), "index and pool disagree"
    recent = [block.id for block in window.blocks()]
    assert recent == sorted(set(recent))
    assert not sealed & set(recent), "a block is both in the window and sealed"
    assert spare_bytes >= 0, "more is kept on the device than may be"
