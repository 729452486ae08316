"""A session's blocks and its one writer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import RLock

from memory.codec.codec import EncodedBlock
from memory.store.appender import Appender
from memory.store.catalog import Catalog
from memory.store.ledger import Ledger
from memory.store.mover import Mover
from memory.store.record import Record, RecordKind, pack_block, pack_note
from memory.store.recovery import Recovery
from memory.store.row import BlockRow, ExtraRow, Place, SegmentId, SegmentRow, Stream
from memory.store.session_reader import SessionReader
from streams.errors import MemoryStoreError
from streams.whole_file import sync_folder

NS_PER_US = 1_000


class SessionStore(SessionReader):
    """A session that is open for writing. Safe to use from several threads.

    A block is whole or absent as soon as ``write`` returns, and *sealed*, surviving whatever happens, once
    ``sync`` has returned. Log-structured (Rosenblum and Ousterhout, 1992; Bitcask): nothing is written
    in place, the newest record of a block counts, and ``compact`` gives dead bytes back.
    """

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        catalog: Catalog,
        appender: Appender,
        *,
        is_new: bool,
        recovery: Recovery,
        durable: bool,
        release: Callable[[], None],
    ) -> None:
        """``recovery`` says what opening found; ``release`` lets go of the session when it is closed."""
        super().__init__(folder, ledger)
        self._catalog = catalog
        self._appender = appender
        self._mover = Mover(folder, ledger, appender, self._lock, self._isolate)
        self._durable = durable
        self._release = release
        self._sync_lock = RLock()
        self._compact_lock = RLock()
        self._owed: dict[int, tuple[int, str]] = {}
        self._doomed: set[SegmentId] = set()
        self._open_for_writing = True
        self.is_new = is_new
        self.recovery = recovery

    def write(self, encoded: EncodedBlock, *, journal: bool = False) -> None:
        """Keep a block, in place of the one of that id, if any.

        ``journal``: for now, as it will be written again; its bytes are given back soon after. Raises
        MemoryStoreError when it cannot be kept, and what was there before still is.
        """
        record = pack_block(encoded)
        with self._lock:
            self._check_open()
            sequence = self._ledger.next_sequence()
        data = record.to_bytes(sequence)
        with self._lock:
            self._check_open()
            place = self._append(Stream.JOURNAL if journal else Stream.BLOCKS, record, data)
            self._ledger.put_block(encoded.info, encoded.codec, sequence, place)

    def set_thumbnail(self, block_id: int, jpeg: bytes) -> None:
        """Keep a picture with a block. Raises KeyError when it is not here, MemoryStoreError."""
        record = Record(RecordKind.THUMBNAIL, block_id, b"", jpeg)
        with self._lock:
            self._ledger.block(block_id)
            self._put(record)

    def write_state(self, state: Mapping[str, object]) -> None:
        """Keep a few facts of the session, small and JSON. Raises MemoryStoreError."""
        with self._lock:
            note = {"state": dict(state), "removed": self.removed}
            self._put(pack_note(RecordKind.STATE, 0, note))
            self._ledger.revise(state=json.dumps(state))

    def touch(self, block_ids: Iterable[int]) -> None:
        """Count that these blocks were handed back; those that are not here any more are passed over."""
        with self._lock:
            for block_id in block_ids:
                if block_id in self._ledger.blocks and not self._ledger.blocks[block_id].damaged:
                    self._ledger.touch(block_id)

    def remove(self, block_ids: Iterable[int], *, reason: str) -> None:
        """Forget blocks and their thumbnails; a damaged one may be among them. Raises KeyError for others.

        That they are gone is written down in tombstones, so that they stay gone without the catalog.
        It works on a full disk, as it is what makes room: tombstones are then written later.
        """
        with self._lock:
            self._check_open()
            ids = list(dict.fromkeys(block_ids))
            for block_id in ids:
                _ = self._ledger.blocks[block_id]
            for block_id in ids:
                sequence = self._ledger.next_sequence()
                self._ledger.remove_block(block_id, sequence)
                self._owed[block_id] = (sequence, reason)
            self._ledger.revise(removed=len(ids))
            self._bury()
        if ids:
            self._log.info("memory.removed", blocks=len(ids), reason=reason, total=self.removed)

    def discard(self, block_ids: Iterable[int]) -> None:
        """Remove those of these blocks that are here, on the client's wish, and bring that to disk."""
        with self._lock:
            self.remove([each for each in block_ids if each in self._ledger.blocks], reason="wish")
        self.sync()

    def sync(self) -> None:
        """Bring all that was done so far to disk, then tell the catalog: afterwards it is sealed.

        Segments of which nothing is live are deleted. Raises MemoryStoreError when it could not be done;
        what was sealed before still is, and the next ``sync`` tries again.
        """
        with self._sync_lock:
            with self._lock:
                self._check_open()
                self._bury()
                self._mover.evacuate()
                self._ledger.revise(used_us=time.time_ns() // NS_PER_US)
                writers = self._appender.writers()
                changes = self._ledger.take_changes(self._appender.active)
            try:
                for writer in writers:
                    writer.sync()
                self._catalog.commit(changes)
            except MemoryStoreError:
                with self._lock:
                    self._ledger.take_back(changes)
                raise
            with self._lock:
                self._appender.release(writers)
                self._doomed |= set(changes.obsolete)
                self._delete_doomed()

    def compact(self, min_dead_share: float = 0.0) -> int:
        """Write live records of segments with dead bytes again and delete these; returns bytes given back.

        Only segments of which at least ``min_dead_share`` is dead. Others may read and write meanwhile. Safe
        at any instant, as a copy does as well as its original. Raises MemoryStoreError, and nothing is lost.
        """
        with self._compact_lock:
            with self._lock:
                self._check_open()
                victims = self._victims(min_dead_share)
                for victim in victims:
                    if victim.id in self._appender.active:
                        self._appender.retire(victim.id.stream)
                newer = _Since(self._ledger)
            written = 0
            for victim in victims:
                written += self._mover.rewrite(victim.id, newer)
                self.sync()
            with self._lock:
                rows = self._ledger.segments.values()
                written += sum(row.overhead for row in rows if row.id in newer)
            return max(0, sum(victim.nbytes for victim in victims) - written)

    def close(self) -> None:
        """Seal what there is and let go of the session. Raises MemoryStoreError when it cannot be sealed."""
        with self._compact_lock, self._sync_lock:
            if not self._open_for_writing:
                return
            try:
                self.sync()
            finally:
                with self._lock:
                    self._open_for_writing = False
                    self._appender.close()
                self._release()

    def _victims(self, min_dead_share: float) -> list[SegmentRow]:
        rows = (row for row in self._ledger.segments.values() if row.dead and not row.obsolete)
        return sorted(
            (row for row in rows if row.dead >= min_dead_share * row.nbytes), key=lambda row: row.id
        )

    def _check_open(self) -> None:
        if not self._open_for_writing:
            raise MemoryStoreError(f"session {self.key} is closed", param="session")

    def _put(self, record: Record) -> None:
        """Write a record that is no block."""
        self._check_open()
        sequence = self._ledger.next_sequence()
        self._append_extra(record, sequence)

    def _append_extra(self, record: Record, sequence: int) -> None:
        place = self._append(Stream.BLOCKS, record, record.to_bytes(sequence))
        self._ledger.put_extra(record.kind, record.block_id, sequence, place)

    def _append(self, stream: Stream, record: Record, data: bytes) -> Place:
        segment, position = self._appender.append(stream, data)
        return Place(segment, position, len(record.head), len(record.body))

    def _bury(self) -> None:
        """Write the tombstones that are owed, as far as there is room."""
        for block_id, (sequence, reason) in list(self._owed.items()):
            note = {"reason": reason, "removed": self.removed}
            try:
                self._append_extra(pack_note(RecordKind.TOMBSTONE, block_id, note), sequence)
            except MemoryStoreError as error:
                self._log.warning("memory.tombstones_owed", blocks=len(self._owed), error=error.message)
                return
            del self._owed[block_id]

    def _delete_doomed(self) -> None:
        """Delete segments that the catalog knows to be obsolete. What fails is tried again later."""
        gone = []
        try:
            for segment in sorted(self._doomed):
                (self._folder / segment.file_name).unlink(missing_ok=True)
                gone.append(segment)
            if gone and self._durable:
                sync_folder(self._folder)
            for segment in gone:
                self._ledger.drop_segment(segment)
                self._doomed.discard(segment)
            if gone:
                self._catalog.drop_segments(self._ledger.session.id, gone)
        except OSError as error:
            self._log.warning("memory.segments_stay", segments=len(self._doomed), error=str(error))
        except MemoryStoreError as error:
            self._log.warning("memory.catalog_late", segments=len(gone), error=error.message)

    def _isolate(self, row: BlockRow | ExtraRow, error: MemoryStoreError) -> None:
        """A tombstone or the state is known without its record, and written again."""
        with self._lock:
            counted = self._ledger.is_live(row)
            super()._isolate(row, error)
            if not counted or not self._open_for_writing:
                return
            if row.kind is RecordKind.TOMBSTONE:
                self._owed[row.block_id] = (row.sequence, "written again")
            elif row.kind is RecordKind.STATE:
                self.write_state(self.read_state())


class _Since:
    """Segments that came after those of a ledger as it is now: no denied record can lie in them yet."""

    def __init__(self, ledger: Ledger) -> None:
        self._known = frozenset(ledger.segments)

    def __contains__(self, segment: object) -> bool:
        return segment not in self._known
