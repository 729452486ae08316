"""What an index holds, as plain arrays: to train another index on, or to be written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from memory.index.vector_index import Ids, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The vectors of an index of ``method``, and what it was trained to.

    ``ids`` int64 [n] and ``codes`` uint8 [n, bytes of a vector], list after list where there are lists;
    ``sizes`` int64 [lists] of these, around ``centroids`` float32 [lists, dim]. ``codebook`` float32
    [parts, 256, dim of a part], of a product quantiser. ``probes``: lists to look into for so many results.
    ``trained_on``: vectors there were when it was trained.
    """

    method: str
    dim: int
    ids: Ids
    codes: NDArray[np.uint8]
    centroids: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    sizes: Ids = field(default_factory=lambda: np.zeros(0, np.int64))
    codebook: Vectors = field(default_factory=lambda: np.zeros((0, 256, 0), np.float32))
    probes: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    trained_on: int = 0

    def __len__(self) -> int:
        return len(self.ids)
