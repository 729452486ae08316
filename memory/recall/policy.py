"""The contract of a recall policy: which blocks match a question best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory.block import Block, BlockInfo
from memory.codec.codec import EncodedBlock
from memory.index.vector_index import Ids


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What a policy learns of a block: ``digest`` float16 [layers, representatives, dim], ``embedding``
    float16 [dim] or None where there is no embedding model.
    """

    info: BlockInfo
    digest: NDArray[np.float16]
    embedding: NDArray[np.float16] | None

    @classmethod
    def of(cls, block: Block | EncodedBlock) -> Entry:
        embedding = None if block.embedding is None else block.embedding.numpy()
        return cls(block.info, block.digest.numpy(), embedding)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What a question looks for, asked at ``now_us``.

    ``keys`` is float32 [layers, dim], the question's mean query of each indexed layer; ``embedding``
    float32 [dim], its text embedding. A policy that does not use one is not given it.
    """

    now_us: int
    keys: NDArray[np.float32] | None = None
    embedding: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A block and how well it matches; scores compare within one question only."""

    block_id: int
    score: float


def nudged(score: float, steps: int) -> float:
    """``score`` by so many of the least steps that there are, up or (negative) down: before or behind it."""
    for _ in range(abs(steps)):
        score = math.nextafter(score, math.copysign(math.inf, steps))
    return score


class RecallPolicy(Protocol):
    """Ranks blocks for questions. Safe to add to while another thread ranks; runs no model."""

    name: str
    uses_keys: bool
    uses_embedding: bool

    def __len__(self) -> int:
        """Blocks known."""
        ...

    def __contains__(self, block_id: int) -> bool: ...

    @property
    def nbytes(self) -> int:
        """About what the policy's indexes take in RAM."""
        ...

    def block_ids(self) -> Ids:
        """Of all blocks known, sorted."""
        ...

    def add(self, entry: Entry) -> None: ...

    def remove(self, block_id: int) -> None:
        """Raises KeyError when the block is not known."""
        ...

    def rank(self, query: Query, limit: int, allowed: Ids | None = None) -> list[Hit]:
        """The best ``limit`` blocks (of those ``allowed``, sorted ids), best first, each once."""
        ...

    def save(self, folder: Path) -> None:
        """Write the indexes into ``folder``, in place of what was saved there before."""
        ...

    def load(self, folder: Path) -> None:
        """Take over what ``save`` wrote. Only on a policy that knows no block yet.

        Raises MemoryStoreError when it is missing, unreadable, or of another policy, model or shape;
        the policy then still knows no block.
        """
        ...
