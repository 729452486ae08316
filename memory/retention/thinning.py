"""Keep a thinner record of the past rather than none."""

from __future__ import annotations

from collections.abc import Sequence

from memory.retention.policy import Candidate, until_enough
from streams.types import BlockKind

KEEP_EVERY = 2


class Thinning:
    """Of the older half of the frames every second one goes, and again when that was not enough.

    Called each time the budget is used up, this leaves the far past sparser than the near. What was said
    goes only when no two frames are left, oldest first: there is little of it, and it is asked about most.
    """

    name = "thinning"

    def choose(self, candidates: Sequence[Candidate], nbytes: int) -> list[int]:
        frames = [each for each in candidates if each.info.kind is BlockKind.FRAME]
        order: list[Candidate] = []
        while len(frames) > 1:
            half = max(len(frames) // 2, KEEP_EVERY)
            older, newer = frames[:half], frames[half:]
            order += older[1::KEEP_EVERY]
            frames = older[::KEEP_EVERY] + newer
        gone = {each.info.id for each in order}
        order += [each for each in candidates if each.info.id not in gone]
        return until_enough(order, nbytes)
