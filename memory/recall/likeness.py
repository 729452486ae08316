"""Whether two blocks show one moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.block import BlockInfo
from memory.recall.policy import Entry
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


EntryOf: TypeAlias = Callable[[int], Entry]
"""What recall knows a block by."""


class Likeness:
    """Whether two blocks show one moment. Entries are looked at last, each once.

    What was said is only alike when it is the same words: "at four" and "at five" are not.
    """

    def __init__(self, entry_of: EntryOf | None) -> None:
        """Without ``entry_of`` blocks of which nothing is said in words are never alike."""
        self._directions = lru_cache(maxsize=None)(lambda block_id: _directions(entry_of, block_id))
        self._with_entries = entry_of is not None

    def __call__(self, a: BlockInfo, b: BlockInfo) -> bool:
        """Whether they show the same soon after one another."""
        if abs(a.start_us - b.start_us) > ALIKE_WITHIN_US:
            return False
        return self.same(a, b) or (self._by_entries(a, b) and self._near_in_digest(a, b))

    def same(self, a: BlockInfo, b: BlockInfo) -> bool:
        """Whether they show the same, however far apart in time, as far as words and meaning tell."""
        if a.kind is not b.kind:
            return False
        if a.text and a.text == b.text:
            return True
        if a.kind is not BlockKind.FRAME:
            return WORD.findall(a.text.lower()) == WORD.findall(b.text.lower())
        if a.text and b.text:
            return _jaccard(a.text, b.text) >= ALIKE_WORDS
        return self._with_entries and self._near_in_meaning(a, b)

    def _by_entries(self, a: BlockInfo, b: BlockInfo) -> bool:
        """Whether they are frames of which words don't tell."""
        frames = a.kind is b.kind is BlockKind.FRAME
        return self._with_entries and frames and not (a.text and b.text)

    def _near_in_meaning(self, a: BlockInfo, b: BlockInfo) -> bool:
        meaning, other = (self._directions(info.id)[1] for info in (a, b))
        if meaning is None or other is None or meaning.shape != other.shape:
            return False
        return float(meaning @ other) >= ALIKE_MEANING

    def _near_in_digest(self, a: BlockInfo, b: BlockInfo) -> bool:
        """Of frames of which meaning tells nothing either."""
        (digest, meaning), (other, other_meaning) = (self._directions(info.id) for info in (a, b))
        if meaning is not None or other_meaning is not None:
            return False
        return float(digest @ other) >= ALIKE_COSINE


def _jaccard(a: str, b: str) -> float:
    first, second = (set(WORD.findall(text.lower())) for text in (a, b))
    return len(first & second) / max(len(first | second), 1)


def _directions(
    entry_of: EntryOf | None, block_id: int
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """A block's mean digest in every layer, each of unit length, over all layers: [layers * dim]; and its
    embedding at unit length, None where that says nothing."""
    assert entry_of is not None
    entry = entry_of(block_id)
    mean = entry.digest.astype(np.float32).mean(axis=1)
    unit = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    direction: NDArray[np.float32] = unit.ravel() / np.sqrt(np.float32(len(unit)))
    if entry.embedding is None or not entry.embedding.any():
        return direction, None
    meaning = entry.embedding.astype(np.float32)
    return direction, meaning / np.linalg.norm(meaning)
