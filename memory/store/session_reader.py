"""A session's blocks as they can be read; what its one writer adds is in ``session_store``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import RLock
from typing import TypeVar

from memory.block import BlockInfo
from memory.codec.codec import EncodedBlock
from memory.recall.policy import Entry
from memory.retention.policy import Candidate
from memory.store.check import check_header, decode_block, decode_entry, gaps
from memory.store.identity import Damage, Fingerprint, SessionKey
from memory.store.ledger import Ledger
from memory.store.record import HEADER, RecordKind, split
from memory.store.row import BlockRow, ExtraRow, SegmentId, SegmentRow, Stream
from memory.store.segment import read_exactly
from streams.errors import MemoryStoreError
from streams.log import get_logger

log = get_logger(__name__)

R = TypeVar("R", BlockRow, ExtraRow)


class SessionReader:
    """Reads a session. Safe to use from several threads; files are read outside the lock.

    A block whose record turns out to be damaged is isolated: counted, logged, left out from then on.
    """

    def __init__(self, folder: Path, ledger: Ledger, reload: Callable[[], Ledger] | None = None) -> None:
        """``reload`` looks at the catalog again, for a view beside somebody who writes and compacts."""
        self._folder = folder
        self._ledger = ledger
        self._reload = reload
        self._lock = RLock()
        self.key: SessionKey = ledger.session.key
        self.fingerprint: Fingerprint = ledger.session.fingerprint
        self._log = log.bind(session=str(self.key))

    @property
    def folder(self) -> Path:
        """The session's own, where what belongs to it may be kept beside the segments."""
        return self._folder

    @property
    def created_us(self) -> int:
        """When the session was made, since 1970."""
        return self._ledger.session.created_us

    @property
    def last_id(self) -> int:
        """The greatest id of all blocks that are here, damaged ones included; 0 without any."""
        with self._lock:
            return max(self._ledger.blocks, default=0)

    def journaled(self) -> list[int]:
        """Blocks of which there is only what was written as a journal, in order."""
        return [row.block_id for row in self._rows() if row.place.segment.stream is Stream.JOURNAL]

    @property
    def nbytes(self) -> int:
        """Of its segment files, live and dead."""
        with self._lock:
            return self._ledger.nbytes

    @property
    def dead_bytes(self) -> int:
        """What ``compact`` can give back."""
        with self._lock:
            return self._ledger.dead

    @property
    def removed(self) -> int:
        """Blocks that were removed on purpose, ever."""
        return self._ledger.session.removed

    @property
    def damaged(self) -> int:
        """Blocks and stretches of files that were found unreadable, ever."""
        return self._ledger.session.damaged

    def read_state(self) -> dict[str, object]:
        """What ``write_state`` was given last; empty at first. Raises MemoryStoreError."""
        try:
            state = json.loads(self._ledger.session.state)
        except ValueError as error:
            raise MemoryStoreError(f"the state of session {self.key} is damaged", param="state") from error
        if not isinstance(state, dict):
            raise MemoryStoreError(f"the state of session {self.key} is no object", param="state")
        return state

    def infos(self) -> list[BlockInfo]:
        """Of every block that can be read, in order of id."""
        return [row.info for row in self._rows()]

    def candidates(self) -> list[Candidate]:
        """What may be forgotten, in order of id."""
        with self._lock:
            rows = self._rows()
            return [Candidate(row.info, self._ledger.freed_by(row.block_id), row.recalled) for row in rows]

    def nbytes_of(self, block_id: int) -> int:
        """Bytes that removing the block lets go of. Raises KeyError."""
        with self._lock:
            return self._ledger.freed_by(block_id)

    def read(self, block_id: int) -> EncodedBlock:
        """The block, its tensors on the CPU.

        Raises KeyError when it is not here, MemoryStoreError when it cannot be read: a damaged one is
        not here any more afterwards.
        """
        row, data = self._fetch(lambda: self._ledger.block(block_id))
        try:
            return decode_block(row, data)
        except MemoryStoreError as error:
            self._isolate(row, error)
            raise

    def read_head(self, block_id: int) -> Entry:
        """What recall knows the block by, without reading its keys and values. Raises as ``read``."""
        row, data = self._fetch(lambda: self._ledger.block(block_id), head_only=True)
        try:
            return decode_entry(row, data)
        except MemoryStoreError as error:
            self._isolate(row, error)
            raise

    def heads(self, block_ids: Iterable[int]) -> Iterator[Entry]:
        """``read_head`` of each, in the order of the files. What cannot be read is passed over and logged."""
        with self._lock:
            blocks = self._ledger.blocks
            rows = [blocks[block_id] for block_id in set(block_ids) if block_id in blocks]
        for row in sorted(rows, key=lambda row: (row.place.segment, row.place.position)):
            try:
                yield self.read_head(row.block_id)
            except KeyError:
                continue  # damaged, which was logged, or removed since
            except MemoryStoreError as error:
                self._log.warning("memory.unreadable", block=row.block_id, error=error.message)

    def thumbnail(self, block_id: int) -> bytes | None:
        """The JPEG kept with a block. Raises MemoryStoreError when it turns out damaged."""
        try:
            return self._read_extra(RecordKind.THUMBNAIL, block_id)
        except KeyError:
            return None

    def verify(self) -> list[Damage]:
        """Read everything and hold every checksum against it. Blocks found damaged are isolated."""
        damages = []
        with self._lock:
            self._look_again()
            rows = self._ledger.rows()
            segments = sorted(self._ledger.segments.values(), key=lambda row: row.id)
        for row in sorted(rows, key=lambda row: (row.place.segment, row.place.position)):
            if (problem := self._problem(row)) is not None:
                block_id = row.block_id if isinstance(row, BlockRow) else None
                where = (row.place.segment.file_name, row.place.position)
                damages.append(Damage(block_id, *where, problem))
        known = {(damage.segment, damage.offset) for damage in damages}
        for segment in segments:
            gaps = self._gaps(segment)
            damages += [damage for damage in gaps if (damage.segment, damage.offset) not in known]
        return damages

    def check_integrity(self) -> None:
        """Assert that sizes add up and every record lies inside its file; for idle moments and tests."""
        with self._lock:
            for segment in self._ledger.segments.values():
                size = (self._folder / segment.id.file_name).stat().st_size
                assert segment.obsolete or size == segment.nbytes, f"{segment.id.file_name} is {size} bytes"
            self._ledger.check_integrity()

    def close(self) -> None:
        """Nothing is held open between reads."""

    def _rows(self) -> list[BlockRow]:
        with self._lock:
            rows = [row for row in self._ledger.blocks.values() if not row.damaged]
        return sorted(rows, key=lambda row: row.block_id)

    def _problem(self, row: BlockRow | ExtraRow) -> str | None:
        """What is wrong with a record, if it still counts."""
        if isinstance(row, BlockRow) and row.damaged:
            return "its record was found unreadable before"
        try:
            if isinstance(row, BlockRow):
                self.read(row.block_id)
            else:
                self._read_extra(row.kind, row.block_id)
        except KeyError:
            return None
        except MemoryStoreError as error:
            return error.message
        return None

    def _read_extra(self, kind: RecordKind, block_id: int) -> bytes:
        """The body of a record that is no block. Raises as ``read``."""
        row, data = self._fetch(lambda: self._ledger.extras[kind, block_id])
        try:
            header, _, body = split(data)
            check_header(row, header)
        except MemoryStoreError as error:
            self._isolate(row, error)
            raise
        return body

    def _gaps(self, segment: SegmentRow) -> Iterator[Damage]:
        """What is no record in the part of a segment file that is known; its header too."""
        name = segment.id.file_name
        try:
            fd = self._open(segment.id)
        except OSError as error:
            with self._lock:
                self._look_again()
                known = segment.id in self._ledger.segments
            if known:
                yield Damage(None, name, 0, f"it cannot be opened: {error.strerror}")
            return
        try:
            yield from gaps(fd, name, segment.overhead, segment.nbytes)
        except OSError as error:
            yield Damage(None, name, 0, f"it cannot be read: {error.strerror}")
        finally:
            os.close(fd)

    def _fetch(self, find: Callable[[], R], *, head_only: bool = False) -> tuple[R, bytes]:
        """The row that ``find`` looks up under the lock, and the bytes of its record or of its first part.

        Raises what ``find`` does; MemoryStoreError when the bytes are not there.
        """
        row, fd = self._locate(find)
        length = HEADER.size + row.place.head_length if head_only else row.place.nbytes
        try:
            return row, read_exactly(fd, length, row.place.position)
        except MemoryStoreError as error:
            self._isolate(row, error)
            raise
        except OSError as error:
            problem = f"{row.place.segment.file_name} cannot be read: {error.strerror}"
            raise MemoryStoreError(problem, param="dir") from error
        finally:
            os.close(fd)

    def _locate(self, find: Callable[[], R]) -> tuple[R, int]:
        """A row and its segment, open: from then on it may be deleted, and can still be read."""
        with self._lock:
            row = find()
            try:
                return row, self._open(row.place.segment)
            except FileNotFoundError as error:
                self._look_again()
                if (now := find()).place != row.place:
                    return now, self._open(now.place.segment)
                problem = MemoryStoreError(f"{row.place.segment.file_name} is missing", param="dir")
                self._isolate(row, problem)
                raise problem from error
            except OSError as error:
                problem = MemoryStoreError(
                    f"{row.place.segment.file_name} cannot be opened: {error.strerror}"
                )
                raise problem from error

    def _look_again(self) -> None:
        if self._reload is not None:
            self._ledger = self._reload()

    def _open(self, segment: SegmentId) -> int:
        return os.open(self._folder / segment.file_name, os.O_RDONLY | os.O_CLOEXEC)

    def _isolate(self, row: BlockRow | ExtraRow, error: MemoryStoreError) -> None:
        """A record cannot be read: it does not count any more."""
        with self._lock:
            if not self._ledger.is_live(row):
                return
            if isinstance(row, BlockRow):
                self._ledger.mark_damaged(row)
            else:
                self._ledger.drop_extra(row)
            self._ledger.revise(damaged=1)
        where = {"segment": row.place.segment.file_name, "offset": row.place.position}
        kind = row.kind.name.lower()
        self._log.warning("memory.damaged", kind=kind, block=row.block_id, **where, error=error.message)
