"""Forget first what no question ever needed."""

from __future__ import annotations

from collections.abc import Sequence

from memory.retention.policy import Candidate, until_enough


class LeastRecalledFirst:
    """Blocks that were handed back least often go first, of these the oldest (LFU, ties by age)."""

    name = "least_recalled"

    def choose(self, candidates: Sequence[Candidate], nbytes: int) -> list[int]:
        return until_enough(sorted(candidates, key=lambda each: each.recalled), nbytes)
