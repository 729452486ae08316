"""An index that begins exact and is trained when it has become large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from memory.index.faiss_index import FaissIndex
from memory.index.file import write_state
from memory.index.flat import FlatIndex
from memory.index.inverted import InvertedIndex, rows_for
from memory.index.ivf import IvfIndex
from memory.index.ivfpq import IvfPqIndex
from memory.index.state import State
from memory.index.vector_index import Ids, Vectors
from streams.log import get_logger

IVF_FROM = 32_768
"""Vectors from which lists pay: until then, comparing with all of 8 layers takes a few milliseconds."""

PQ_FROM = 400_000
"""Vectors from which bytes matter more than exact scores."""

RETRAIN = 2
"""Trained again when it has grown by this factor: what came since may be nothing like what was there."""

RETRY = 1.25
"""After a failure, tried again when it has grown by this factor."""

CHUNK = 4_096
"""Vectors that move to a new index at a time."""

CATCH_UP = 8
"""Changes made meanwhile that are few enough to be made up for while others wait."""

TRAINED: tuple[type[InvertedIndex], ...] = (IvfIndex, IvfPqIndex)
"""Methods to grow into, in order."""

Background: TypeAlias = Callable[[Callable[[], None]], None]
"""Runs a job elsewhere, soon. It may run it at once."""

Change: TypeAlias = tuple[Ids, Vectors | None]
"""Vectors that were added under ids, or ids that were removed."""

log = get_logger(__name__)


class GrowingIndex:
    """A vector index whose method follows its size: flat, inverted lists, quantised inverted lists.

    A method is trained on a sample of the index's own vectors by ``background``, while the old one goes on
    answering and changing; what changed meanwhile is made up for, and the new one takes its place in one
    step. When training fails, that is logged and the old one goes on. Thread-safe; a search
    waits for none of it but the copy of the vectors at the start, some milliseconds.
    """

    def __init__(
        self,
        dim: int,
        *,
        ivf_from: int = IVF_FROM,
        pq_from: int = PQ_FROM,
        background: Background,
        index: FaissIndex | None = None,
    ) -> None:
        """``index`` is what to go on from, if there is something."""
        self.dim = dim
        assert 0 < ivf_from <= pq_from, f"lists from {ivf_from} and quantised from {pq_from} vectors"
        self._from = (ivf_from, pq_from)
        self._background = background
        self._index: FaissIndex = index or FlatIndex(dim)
        self._lock = Lock()
        self._training = False
        self._changes: list[Change] | None = None
        self._retry_from = 0

    def __len__(self) -> int:
        return len(self._index)

    @property
    def method(self) -> str:
        """``flat``, ``ivf`` or ``ivfpq``."""
        return self._index.method

    @property
    def nbytes(self) -> int:
        return self._index.nbytes

    def ids(self) -> Ids:
        """The ids here, sorted, each once."""
        return self._index.ids()

    def search(self, queries: Vectors, limit: int, allowed: Ids | None = None) -> tuple[Vectors, Ids]:
        return self._index.search(queries, limit, allowed)

    def save(self, file: Path) -> None:
        """Write the index to ``file`` (whole or not at all). Raises MemoryStoreError when it cannot be."""
        write_state(file, self._index.state())

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Raises MemoryStoreError when a vector has numbers that float16 does not."""
        with self._lock:
            self._index.add(ids, vectors)
            if self._changes is not None:
                self._changes.append((ids.copy(), vectors.copy()))
            start = not self._training and self._due() is not None
            self._training = self._training or start
        if start:
            try:
                self._background(self._train)
            except Exception:
                self._failed()

    def remove(self, ids: Ids) -> None:
        with self._lock:
            self._index.remove(ids)
            if self._changes is not None:
                self._changes.append((ids.copy(), None))

    # Training. ``_training`` is true from when it is due until it is over, ``_changes`` a list while it runs.

    def _due(self) -> type[InvertedIndex] | None:
        """The method to train now, if any. With the lock held."""
        index, count = self._index, len(self._index)
        if count < self._retry_from:
            return None
        now = TRAINED.index(type(index)) if isinstance(index, InvertedIndex) else -1
        fit = sum(count >= least for least in self._from) - 1
        outgrown = isinstance(index, InvertedIndex) and count >= RETRAIN * index.trained_on
        return TRAINED[max(now, fit)] if fit > now or outgrown else None

    def _train(self) -> None:
        try:
            with self._lock:
                old, method = self._index, self._due()
                if method is None:  # removed from meanwhile
                    self._training = False
                    return
                state = old.state()
                self._changes = []
            new = retrained(method, old, state)
            while not self._caught_up(new):
                pass
            log.info("memory.index_trained", method=new.method, vectors=len(new), before=old.method)
        except Exception:
            self._failed()

    def _caught_up(self, new: FaissIndex) -> bool:
        """Repeat on ``new`` what changed lately; when that is little, ``new`` takes over."""
        with self._lock:
            assert self._changes is not None, "changes are noted while training"
            changes, self._changes = self._changes, []
            done = len(changes) <= CATCH_UP
            if done:
                _repeat(new, changes)
                self._index, self._training, self._changes = new, False, None
        if not done:
            _repeat(new, changes)
        return done

    def _failed(self) -> None:
        with self._lock:
            self._training, self._changes = False, None
            self._retry_from = math.ceil(RETRY * len(self._index))
        log.exception("memory.index_training_failed", method=self.method, vectors=len(self))


def retrained(method: type[InvertedIndex], old: FaissIndex, state: State) -> InvertedIndex:
    """What ``old`` held in ``state``, by another method."""

    def decode(rows: slice | Ids) -> Vectors:
        return old.decode(state, rows)

    new = method.trained(decode, len(state))
    for start in range(0, len(state), CHUNK):
        rows = slice(start, start + CHUNK)
        new.add(state.ids[rows], decode(rows))
    new.calibrate(decode(rows_for(len(state), CHUNK)))
    return new


def _repeat(index: FaissIndex, changes: Sequence[Change]) -> None:
    for ids, vectors in changes:
        if vectors is None:
            index.remove(ids)
        else:
            index.add(ids, vectors)
