"""Sets of ids in the form in which FAISS asks about them."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from memory.index.vector_index import Ids

BITMAP: Any = faiss.IDSelectorBitmap
"""FAISS's stubs know its C++ signature, not that of its wrapper."""

BITMAP_MAX = 1 << 30
"""A bitmap for ids up to here takes 128 MB; sets with larger ids are hashed."""


def selector(ids: Ids) -> Any:
    """An ``IDSelector`` of ``ids`` (sorted, not empty): a range when they follow one another, else a bitmap.

    A range is two comparisons a vector and a bitmap one look-up. The selector keeps what it refers to alive.
    """
    first, last = int(ids[0]), int(ids[-1])
    assert first >= 0, "ids are not negative"
    if last - first + 1 == len(ids):
        return faiss.IDSelectorRange(first, last + 1)
    if last >= BITMAP_MAX:
        return faiss.IDSelectorBatch(ids)
    bits = np.zeros(last + 1, dtype=np.bool_)
    bits[ids] = True
    return BITMAP(np.packbits(bits, bitorder="little"))
