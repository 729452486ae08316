"""Opening an index that was saved."""

from __future__ import annotations

from pathlib import Path

from memory.index.file import read_state
from memory.index.flat import FlatIndex
from memory.index.growing import IVF_FROM, PQ_FROM, Background, GrowingIndex
from memory.index.ivf import IvfIndex
from memory.index.ivfpq import IvfPqIndex

INDEXES = {index.method: index for index in (FlatIndex, IvfIndex, IvfPqIndex)}


def load_index(
    file: Path, dim: int, *, ivf_from: int = IVF_FROM, pq_from: int = PQ_FROM, background: Background
) -> GrowingIndex:
    """The index that ``VectorIndex.save`` wrote into ``file``, of vectors of ``dim``, as trained as it was.

    Raises MemoryStoreError when the file is missing, unreadable, damaged, or of another dimension.
    """
    state = read_state(file, dim)
    index = INDEXES[state.method].of(state)
    return GrowingIndex(dim, ivf_from=ivf_from, pq_from=pq_from, background=background, index=index)
