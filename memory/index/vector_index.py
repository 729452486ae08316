"""The contract of a vector index."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
Vectors: TypeAlias = NDArray[np.float32]


class VectorIndex(Protocol):
    """Inner-product search over vectors [n, dim]; an id may stand for several vectors.

    Safe to add to and remove from while another thread searches.
    """

    dim: int

    def __len__(self) -> int:
        """Vectors held."""
        ...

    @property
    def nbytes(self) -> int:
        """About what the index takes in RAM."""
        ...

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add ``vectors`` [n, dim] under ``ids`` [n]."""
        ...

    def remove(self, ids: Ids) -> None:
        """Remove every vector of these ids; an id that is not here is passed over."""
        ...

    def search(self, queries: Vectors, limit: int, allowed: Ids | None = None) -> tuple[Vectors, Ids]:
        """For each of ``queries`` [q, dim] the best ``limit`` vectors: scores and ids, [q, k], best first.

        ``allowed`` (sorted) restricts the search to these ids. Where there are fewer, ids end in -1.
        """
        ...

    def save(self, file: Path) -> None:
        """Write the index to ``file`` (whole or not at all)."""
        ...
