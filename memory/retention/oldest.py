"""Forget the oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from memory.retention.policy import Candidate, until_enough


class OldestFirst:
    """Keeps the most recent past whole; of what was before it nothing is left."""

    name = "oldest"

    def choose(self, candidates: Sequence[Candidate], nbytes: int) -> list[int]:
        return until_enough(candidates, nbytes)
