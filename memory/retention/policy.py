"""The contract of a retention policy: what is forgotten when the disk budget is used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from memory.block import BlockInfo


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sealed block that may be forgotten; ``recalled`` counts how often it was handed back."""

    info: BlockInfo
    nbytes: int
    recalled: int


class RetentionPolicy(Protocol):
    name: str

    def choose(self, candidates: Sequence[Candidate], nbytes: int) -> list[int]:
        """Ids of blocks to forget, in that order, that together take at least ``nbytes`` (or all).

        ``candidates`` are in order of id, which is the order of time.
        """
        ...


def until_enough(order: Sequence[Candidate], nbytes: int) -> list[int]:
    """Ids of the first of ``order`` that together take at least ``nbytes``."""
    chosen: list[int] = []
    for each in order:
        if nbytes <= 0:
            break
        chosen.append(each.info.id)
        nbytes -= each.nbytes
    return chosen
