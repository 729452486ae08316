"""Moving records that count out of segments that are to be given back."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from memory.store.appender import Appender
from memory.store.ledger import Ledger
from memory.store.record import RecordKind, split
from memory.store.row import BlockRow, ExtraRow, SegmentId
from memory.store.segment import read_exactly
from streams.errors import MemoryStoreError
from streams.log import get_logger

log = get_logger(__name__)

Row = BlockRow | ExtraRow


class Mover:
    """Copies records, ``sequence`` and all, to the active segment; the ledger counts the copy from then on.

    Until the catalog has learnt of it the original is still there, and either will do.
    """

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        appender: Appender,
        lock: AbstractContextManager[bool],
        isolate: Callable[[Row, MemoryStoreError], None],
    ) -> None:
        """``isolate`` is told of records that cannot be read; ``lock`` (reentrant) guards the other three."""
        self._folder = folder
        self._ledger = ledger
        self._appender = appender
        self._lock = lock
        self._isolate = isolate

    def rewrite(self, segment: SegmentId, newer: Container[SegmentId] = ()) -> int:
        """Copy what counts out of ``segment``; returns bytes written. Others may use the session meanwhile.

        Tombstones that deny nothing outside ``segment`` and ``newer`` are let go of. Raises MemoryStoreError
        when nothing more can be written.
        """
        with self._lock:
            rows = self._ledger.rows_in(segment)
            if not rows:
                return 0
            try:
                fd = os.open(self._folder / segment.file_name, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                problem = f"{segment.file_name} cannot be opened: {error.strerror}"
                raise MemoryStoreError(problem, param="dir") from error
        try:
            return sum(self._rewrite(fd, row, newer) for row in rows)
        finally:
            os.close(fd)

    def evacuate(self) -> None:
        """Empty segments that hold nothing but tombstones. What cannot be done now is left."""
        for segment in self._ledger.only_tombstones():
            if segment not in self._appender.active:
                try:
                    self.rewrite(segment)
                except MemoryStoreError as error:
                    log.warning("memory.tombstones_stay", segment=segment.file_name, error=error.message)
                    return

    def _rewrite(self, fd: int, row: Row, newer: Container[SegmentId]) -> int:
        if row.kind is RecordKind.TOMBSTONE:
            assert isinstance(row, ExtraRow)
            with self._lock:
                if not self._ledger.is_needed(row, newer):
                    if self._ledger.is_live(row):
                        self._ledger.drop_extra(row)
                    return 0
        try:
            data = read_exactly(fd, row.place.nbytes, row.place.position)
            split(data)
        except MemoryStoreError as error:
            self._isolate(row, error)
            return 0
        except OSError as error:
            problem = f"{row.place.segment.file_name} cannot be read: {error.strerror}"
            raise MemoryStoreError(problem, param="dir") from error
        with self._lock:
            if not self._ledger.is_live(row):
                return 0
            stream = row.place.segment.stream
            segment, position = self._appender.append(stream, data)
            self._ledger.move(row, replace(row.place, segment=segment, position=position))
        return len(data)
