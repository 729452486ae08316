"""What the indexes over FAISS have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from memory.index.file import write_state
from memory.index.selector import selector
from memory.index.state import State
from memory.index.vector_index import Ids, Vectors
from streams.errors import MemoryStoreError

ROOM = 1.5
"""What FAISS's arrays take over what is in them, as they double when they are full: 1.5 times, measured at
72,000 vectors in 362 lists.
"""

ID_BYTES = 8

HALF_MAX = float(np.finfo(np.float16).max)


class FaissIndex(ABC):
    """Inner products by FAISS. A variant says how vectors are kept and found.

    A lock makes it safe across threads; FAISS runs outside the interpreter's. It is told to use one thread:
    a search takes about a millisecond, and waking others for it costs more whenever they have work.
    """

    method: str

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._lock = Lock()

    @contextmanager
    def _held(self) -> Iterator[None]:
        with self._lock:
            faiss.omp_set_num_threads(1)  # of the calling thread, in FAISS alone
            yield

    # What a variant says. All but ``decode`` are called with the lock held.

    @abstractmethod
    def _count(self) -> int: ...

    @abstractmethod
    def _code_bytes(self) -> int:
        """Of one vector."""

    @abstractmethod
    def _ids(self) -> Ids:
        """A copy of the ids of all vectors, in the order of ``_state().codes``."""

    @abstractmethod
    def _add(self, ids: Ids, vectors: Vectors) -> None: ...

    @abstractmethod
    def _remove(self, ids: Ids) -> None:
        """``ids`` are sorted, each once, not empty."""

    @abstractmethod
    def _search(self, queries: Vectors, limit: int, chosen: Any) -> tuple[Vectors, Ids]:
        """``limit`` is at most the vectors there are; ``chosen`` is an IDSelector or None."""

    @abstractmethod
    def _state(self) -> State:
        """A copy of what is here."""

    @abstractmethod
    def decode(self, state: State, rows: slice | Ids) -> Vectors:
        """Vectors of ``rows`` of a state of this very index, as near as it kept them. Needs no lock."""

    # The contract.

    def __len__(self) -> int:
        return self._count()

    @property
    def nbytes(self) -> int:
        """About what the index takes in RAM, room to grow into included."""
        return round(ROOM * self._count() * (self._code_bytes() + ID_BYTES))

    def ids(self) -> Ids:
        """The ids here, sorted, each once."""
        with self._held():
            return np.unique(self._ids())

    def state(self) -> State:
        with self._held():
            return self._state()

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Raises MemoryStoreError when a vector has numbers that float16 does not."""
        assert vectors.shape == (len(ids), self.dim), f"{vectors.shape} for {len(ids)} ids of {self.dim}"
        if not len(ids):
            return
        assert ids.min() >= 0, "ids are not negative"
        if not (np.abs(vectors) <= HALF_MAX).all():
            raise MemoryStoreError("a vector to be indexed is not finite in float16", param="vectors")
        with self._held():
            self._add(
                np.ascontiguousarray(ids, dtype=np.int64), np.ascontiguousarray(vectors, dtype=np.float32)
            )

    def remove(self, ids: Ids) -> None:
        if not len(ids):
            return
        with self._held():
            self._remove(np.unique(ids))

    def search(self, queries: Vectors, limit: int, allowed: Ids | None = None) -> tuple[Vectors, Ids]:
        """Scores are -inf where there is no id. Raises MemoryStoreError when a query is not finite."""
        assert queries.ndim == 2, f"queries are {queries.shape}"
        assert queries.shape[1] == self.dim, f"queries are {queries.shape}, vectors of {self.dim}"
        if not np.isfinite(queries).all():
            raise MemoryStoreError("what is looked for is not finite", param="queries")
        scores = np.full((len(queries), limit), -np.inf, dtype=np.float32)
        ids = np.full((len(queries), limit), -1, dtype=np.int64)
        if not limit or not len(queries) or (allowed is not None and not len(allowed)):
            return scores, ids
        chosen = None if allowed is None else selector(allowed)
        with self._held():
            if k := min(limit, self._count()):
                queries = np.ascontiguousarray(queries, dtype=np.float32)
                scores[:, :k], ids[:, :k] = self._search(queries, k, chosen)
        scores[ids < 0] = -np.inf
        return scores, ids

    def save(self, file: Path) -> None:
        """Write the index to ``file`` (whole or not at all). Raises MemoryStoreError when it cannot be."""
        write_state(file, self.state())


def view(pointer: Any, count: int) -> NDArray[Any]:
    """The ``count`` numbers at a pointer of FAISS's, not copied: valid until FAISS moves them."""
    array: NDArray[Any] = faiss.rev_swig_ptr(pointer, count)
    return array
