"""Whether two blocks show one moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.block import Block, BlockInfo
from streams.types import US_PER_S, BlockKind

ALIKE_WITHIN_US = 30 * US_PER_S
"""Blocks that say the same within this time show one moment."""

ALIKE_WORDS = 0.5
"""Frames near in time that share this part of their words (Jaccard) show the same thing."""

ALIKE_MEANING = 0.75
"""So do frames whose text embeddings are this close, where words don't tell. (Of streams of photographs that
the embedded model saw, 0.69 and above for 19 of 20 pairs of frames of one shot, 0.70 at most for others.)"""

ALIKE_COSINE = 0.97
"""So do frames of which nothing is known in words at all, not even what is likely, whose digests are this
close. (What was told in names came to 0.977 at least for the same names, to 0.937 at most for others; visual
tokens are nearer to each other whatever they show, so that digests go last.)"""

WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """What a block is known by beside its words: ``digest`` [layers, representatives, dim] and ``embedding``
    [dim], zeros where nothing is said, or None where there is no embedding model."""

    digest: NDArray[np.floating]
    embedding: NDArray[np.floating] | None = None

    @classmethod
    def of(cls, block: Block) -> Signature:
        embedding = None if block.embedding is None else block.embedding.numpy()
        return cls(block.digest.numpy(), embedding)


SignatureOf: TypeAlias = Callable[[int], Signature]
"""The signature of a block."""


class Likeness:
    """Whether two blocks show one moment. Signatures are looked at last, each once.

    What was said is only alike when it is the same words: "at four" and "at five" are not.
    """

    def __init__(self, signature_of: SignatureOf | None) -> None:
        """Without ``signature_of`` blocks of which nothing is said in words are never alike."""
        self._directions = lru_cache(maxsize=None)(lambda block_id: _directions(signature_of, block_id))
        self._with_signatures = signature_of is not None

    def __call__(self, a: BlockInfo, b: BlockInfo) -> bool:
        return abs(a.start_us - b.start_us) <= ALIKE_WITHIN_US and self.same(a, b)

    def same(self, a: BlockInfo, b: BlockInfo) -> bool:
        """As called, whenever they were."""
        if a.kind is not b.kind:
            return False
        if a.text and a.text == b.text:
            return True
        if a.kind is not BlockKind.FRAME:
            return WORD.findall(a.text.lower()) == WORD.findall(b.text.lower())
        if a.text and b.text:
            return _jaccard(a.text, b.text) >= ALIKE_WORDS
        return self._with_signatures and self._close(a, b)

    def _close(self, a: BlockInfo, b: BlockInfo) -> bool:
        (digest, meaning), (other_digest, other_meaning) = self._directions(a.id), self._directions(b.id)
        if meaning is not None and other_meaning is not None:
            return float(meaning @ other_meaning) >= ALIKE_MEANING
        if meaning is not None or other_meaning is not None:
            return False  # of the one it is known what it shows
        return float(digest @ other_digest) >= ALIKE_COSINE


def _jaccard(a: str, b: str) -> float:
    first, second = (set(WORD.findall(text.lower())) for text in (a, b))
    return len(first & second) / max(len(first | second), 1)


def _directions(
    signature_of: SignatureOf | None, block_id: int
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """A block's mean digest in every layer, each of unit length, over all layers: [layers * dim]; and its
    embedding at unit length, None where that says nothing."""
    assert signature_of is not None
    signature = signature_of(block_id)
    mean = signature.digest.astype(np.float32).mean(axis=1)
    unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    direction: NDArray[np.float32] = unit.ravel() / np.sqrt(np.float32(len(unit)))
    if signature.embedding is None or not signature.embedding.any():
        return direction, None
    meaning = signature.embedding.astype(np.float32)
    return direction, meaning / np.linalg.norm(meaning)
