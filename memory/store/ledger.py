"""What a session's files hold, as the records are laid over each other; no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import replace

from memory.block import BlockInfo
from memory.store.record import RecordKind
from memory.store.row import BlockRow, Changes, ExtraKey, ExtraRow, Place, SegmentId, SegmentRow, SessionRow
from streams.errors import MemoryStoreError


class Ledger:
    """The rows of one session, and which of them the catalog does not know yet.

    Records may be put in any order and more than once: of each block the greatest ``sequence`` counts, so
    that reading a stretch of a file again changes nothing. Not safe to use from several threads.
    """

    def __init__(
        self,
        session: SessionRow,
        blocks: Iterable[BlockRow] = (),
        extras: Iterable[ExtraRow] = (),
        segments: Iterable[SegmentRow] = (),
    ) -> None:
        """Raises MemoryStoreError when the rows contradict each other, as those of a damaged catalog do."""
        self.session = session
        self.blocks = {row.block_id: row for row in blocks}
        self.extras = {(row.kind, row.block_id): row for row in extras}
        self.segments = {row.id: row for row in segments}
        self._tombstones: Counter[SegmentId] = Counter()
        for extra in self.extras.values():
            if extra.kind is RecordKind.TOMBSTONE:
                self._tombstones[extra.place.segment] += extra.place.nbytes
        self._dirty_blocks: set[int] = set()
        self._dirty_extras: set[ExtraKey] = set()
        self._dirty_segments: set[SegmentId] = set()
        self._whole = False
        self.check_integrity()

    # What is known

    @property
    def nbytes(self) -> int:
        return sum(row.nbytes for row in self.segments.values())

    @property
    def dead(self) -> int:
        return sum(row.dead for row in self.segments.values())

    def block(self, block_id: int) -> BlockRow:
        """Raises KeyError when there is none or it is damaged."""
        row = self.blocks[block_id]
        if row.damaged:
            raise KeyError(block_id)
        return row

    def freed_by(self, block_id: int) -> int:
        """Bytes that die when the block is removed."""
        thumbnail = self.extras.get((RecordKind.THUMBNAIL, block_id))
        return self.block(block_id).place.nbytes + (thumbnail.place.nbytes if thumbnail else 0)

    def rows(self) -> list[BlockRow | ExtraRow]:
        """Of all records that count, and of damaged blocks."""
        return [*self.blocks.values(), *self.extras.values()]

    def rows_in(self, segment: SegmentId) -> list[BlockRow | ExtraRow]:
        """Live rows whose records are in ``segment``, in file order."""
        here = [row for row in self.rows() if row.place.segment == segment]
        return sorted(filter(self.is_live, here), key=lambda row: row.place.position)

    def is_live(self, row: BlockRow | ExtraRow) -> bool:
        """Whether ``row``'s record is still the one that counts, and where it was."""
        now = self._row(row)
        if now is None or (isinstance(now, BlockRow) and now.damaged):
            return False
        return (now.sequence, now.place) == (row.sequence, row.place)

    def is_needed(self, tombstone: ExtraRow, aside: Container[SegmentId] = ()) -> bool:
        """Whether a record that it denies may lie in a segment other than its own and ``aside``."""
        others = (row for row in self.segments.values() if row.id != tombstone.place.segment)
        return any(row.spans(tombstone.block_id) for row in others if row.id not in aside)

    def only_tombstones(self) -> list[SegmentId]:
        """Segments in which nothing is live but tombstones."""
        return [
            segment
            for segment, nbytes in self._tombstones.items()
            if nbytes and segment in self.segments and self.segments[segment].live == nbytes
        ]

    # Records arrive, move and go

    def next_sequence(self) -> int:
        self.session = replace(self.session, sequence=self.session.sequence + 1)
        return self.session.sequence

    def add_segment(self, segment: SegmentId, nbytes: int, overhead: int) -> None:
        """A file of ``nbytes`` of which nothing is known yet but its header's length."""
        self._set_segment(SegmentRow(segment, nbytes, overhead))

    def resize(self, segment: SegmentId, nbytes: int) -> None:
        """The file reaches to ``nbytes``; what is not a known record there is dead."""
        row = self.segments[segment]
        self._set_segment(replace(row, nbytes=nbytes))

    def put_block(self, info: BlockInfo, codec: str, sequence: int, place: Place) -> bool:
        """Returns whether this record is now the block's."""
        self._arrive(place, sequence, info.id)
        now = self.blocks.get(info.id)
        if self._is_denied(info.id, sequence):
            return False
        if now is not None and now.sequence >= sequence:
            heals = now.sequence == sequence and now.damaged and now.place != place
            if not heals:
                return False
        recalled = 0 if now is None else now.recalled
        self._set_block(info.id, BlockRow(info, codec, sequence, place, recalled))
        return True

    def put_extra(self, kind: RecordKind, block_id: int, sequence: int, place: Place) -> bool:
        """Returns whether this record now counts. A tombstone takes the block and its thumbnail away."""
        self._arrive(place, sequence, block_id if kind is RecordKind.THUMBNAIL else None)
        now = self.extras.get((kind, block_id))
        if now is not None and now.sequence >= sequence:
            return False
        if kind is RecordKind.THUMBNAIL and self._is_denied(block_id, sequence):
            return False
        self._set_extra((kind, block_id), ExtraRow(kind, block_id, sequence, place))
        if kind is RecordKind.TOMBSTONE:
            self.remove_block(block_id, sequence)
        return True

    def remove_block(self, block_id: int, sequence: int) -> None:
        """Take away what there is of a block from before ``sequence``."""
        row = self.blocks.get(block_id)
        if row is not None and row.sequence < sequence:
            self._set_block(block_id, None)
        thumbnail = self.extras.get((RecordKind.THUMBNAIL, block_id))
        if thumbnail is not None and thumbnail.sequence < sequence:
            self._set_extra((RecordKind.THUMBNAIL, block_id), None)

    def drop_extra(self, row: ExtraRow) -> None:
        """Its record no longer counts: nobody needs it, or it cannot be read."""
        self._set_extra((row.kind, row.block_id), None)

    def move(self, row: BlockRow | ExtraRow, place: Place) -> None:
        """``row``'s record was copied to ``place``. When it no longer counts, the copy is dead."""
        spanned = row.kind in (RecordKind.BLOCK, RecordKind.THUMBNAIL)
        self._arrive(place, row.sequence, row.block_id if spanned else None)
        if not self.is_live(row):
            return
        if isinstance(row, BlockRow):
            self._set_block(row.block_id, replace(self.blocks[row.block_id], place=place))
        else:
            self._set_extra((row.kind, row.block_id), replace(row, place=place))

    def mark_damaged(self, row: BlockRow) -> None:
        self._set_block(row.block_id, replace(self.blocks[row.block_id], damaged=True))

    def touch(self, block_id: int) -> None:
        """Count that the block was handed back. Raises KeyError."""
        row = self.block(block_id)
        self._set_block(block_id, replace(row, recalled=row.recalled + 1))

    def revise(
        self, *, removed: int = 0, damaged: int = 0, state: str | None = None, used_us: int = 0
    ) -> None:
        """Add to the session's counts; replace its state; note when it was used."""
        now = self.session
        self.session = replace(
            now,
            removed=now.removed + removed,
            damaged=now.damaged + damaged,
            state=now.state if state is None else state,
            last_used_us=max(now.last_used_us, used_us),
        )

    def drop_segment(self, segment: SegmentId) -> None:
        """Its file is gone."""
        self.segments.pop(segment, None)
        self._dirty_segments.add(segment)

    # What the catalog does not know yet

    @property
    def dirty(self) -> bool:
        return bool(self._whole or self._dirty_blocks or self._dirty_extras or self._dirty_segments)

    def make_whole(self) -> None:
        """Have the next changes replace everything that the catalog has of this session."""
        self._whole = True

    def take_changes(self, active: Iterable[SegmentId]) -> Changes:
        """What changed. Segments with nothing live become obsolete, ``active`` ones aside."""
        growing = set(active)
        for row in list(self.segments.values()):
            if not row.live and not row.obsolete and row.id not in growing:
                self._set_segment(replace(row, obsolete=True))
        whole = self._whole
        blocks = self.blocks.keys() if whole else self._dirty_blocks
        extras = self.extras.keys() if whole else self._dirty_extras
        segments = self.segments.keys() if whole else self._dirty_segments
        changes = Changes(
            self.session,
            {block_id: self.blocks.get(block_id) for block_id in blocks},
            {key: self.extras.get(key) for key in extras},
            {segment: self.segments.get(segment) for segment in segments},
            whole,
        )
        self._dirty_blocks, self._dirty_extras, self._dirty_segments = set(), set(), set()
        self._whole = False
        return changes

    def take_back(self, changes: Changes) -> None:
        """The catalog did not learn ``changes``: they count as not told."""
        self._dirty_blocks |= changes.blocks.keys()
        self._dirty_extras |= changes.extras.keys()
        self._dirty_segments |= changes.segments.keys()
        self._whole = self._whole or changes.whole

    def check_integrity(self) -> None:
        """Raises MemoryStoreError unless sizes add up and every live record is inside a known segment."""
        live: Counter[SegmentId] = Counter()
        places = [row.place for row in self.blocks.values() if not row.damaged]
        places += [row.place for row in self.extras.values()]
        for place in places:
            segment = self.segments.get(place.segment)
            if segment is None or not segment.overhead <= place.position <= place.end <= segment.nbytes:
                raise MemoryStoreError("a record lies outside every segment", param="catalog")
            live[place.segment] += place.nbytes
        for segment in self.segments.values():
            if live[segment.id] != segment.live or segment.dead < 0:
                raise MemoryStoreError(f"{segment.id.file_name}: sizes do not add up", param="catalog")

    def _row(self, row: BlockRow | ExtraRow) -> BlockRow | ExtraRow | None:
        if isinstance(row, BlockRow):
            return self.blocks.get(row.block_id)
        return self.extras.get((row.kind, row.block_id))

    def _is_denied(self, block_id: int, sequence: int) -> bool:
        tombstone = self.extras.get((RecordKind.TOMBSTONE, block_id))
        return tombstone is not None and tombstone.sequence > sequence

    def _arrive(self, place: Place, sequence: int, block_id: int | None) -> None:
        self.session = replace(self.session, sequence=max(self.session.sequence, sequence))
        row = self.segments[place.segment]
        if block_id is not None:
            empty = row.min_id > row.max_id
            low, high = (block_id, block_id) if empty else (row.min_id, row.max_id)
            row = replace(row, min_id=min(low, block_id), max_id=max(high, block_id))
        self._set_segment(replace(row, nbytes=max(row.nbytes, place.end), obsolete=False))

    def _set_block(self, block_id: int, row: BlockRow | None) -> None:
        old = self.blocks.pop(block_id, None)
        if old is not None and not old.damaged:
            self._add_live(old.place, -1)
        if row is not None:
            self.blocks[block_id] = row
            if not row.damaged:
                self._add_live(row.place, 1)
        self._dirty_blocks.add(block_id)

    def _set_extra(self, key: ExtraKey, row: ExtraRow | None) -> None:
        old = self.extras.pop(key, None)
        for one, sign in ((old, -1), (row, 1)):
            if one is not None:
                self._add_live(one.place, sign)
                if one.kind is RecordKind.TOMBSTONE:
                    self._tombstones[one.place.segment] += sign * one.place.nbytes
        if row is not None:
            self.extras[key] = row
        self._dirty_extras.add(key)

    def _add_live(self, place: Place, sign: int) -> None:
        row = self.segments.get(place.segment)
        if row is not None:
            self._set_segment(replace(row, live=row.live + sign * place.nbytes))

    def _set_segment(self, row: SegmentRow) -> None:
        self.segments[row.id] = row
        self._dirty_segments.add(row.id)
