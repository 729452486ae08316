"""Laying a session's segment files beside what the catalog says of them, after whatever happened."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from memory.block import BlockInfo
from memory.store.identity import SessionKey
from memory.store.ledger import Ledger
from memory.store.record import INT_LIMIT, RecordKind, block_facts, unpack_note
from memory.store.row import BlockRow, Place, SegmentId, SegmentRow, Stream
from memory.store.segment import Found, Gap, SegmentHeader, read_segment_header, scan
from streams.errors import MemoryStoreError
from streams.log import get_logger
from streams.whole_file import sync_folder

log = get_logger(__name__)

_FILE = re.compile(r"(blocks|journal)-([0-9]{6,12})\.seg")


@dataclass(slots=True)
class Recovery:
    """What opening found: ``records`` that the catalog did not know, ``torn`` tails that were cut off,
    ``lost`` blocks whose records are gone, ``stretches`` of files that hold no valid record.
    """

    records: int = 0
    torn: int = 0
    torn_bytes: int = 0
    lost: int = 0
    stretches: int = 0


@dataclass(frozen=True, slots=True)
class _Met:
    """A record met in a file, without the bulk of its head."""

    kind: RecordKind
    block_id: int
    sequence: int
    place: Place
    facts: tuple[BlockInfo, str] | None = None
    note: dict[str, object] = field(default_factory=dict)


def segment_files(folder: Path) -> dict[SegmentId, int]:
    """The segment files of a session's folder and their sizes. Raises OSError."""
    files = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if (match := _FILE.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False):
                segment = SegmentId(Stream(match[1]), int(match[2]))
                if segment.file_name == entry.name:
                    files[segment] = entry.stat(follow_symlinks=False).st_size
    return dict(sorted(files.items()))


def identify(folder: Path, key: SessionKey) -> SegmentHeader | None:
    """The header of the first segment that says that it is ``key``'s.

    Raises MemoryStoreError with code ``store_version`` when one is of a later format, OSError.
    """
    for segment in segment_files(folder):
        header = _header(folder, segment)[0]
        if header is not None and header.key == key:
            return header
    return None


def recover(folder: Path, ledger: Ledger, *, bodies: bool, repair: bool, durable: bool) -> Recovery:
    """Bring ``ledger`` in line with the files in ``folder``.

    Records past what the catalog knew are put; blocks whose records are gone become damaged. With
    ``repair``, torn tails are cut off, files that were about to be deleted are, and what was found is
    brought to disk (if ``durable``) before anybody may call it sealed; without, no file is touched.
    ``bodies``: verify the bodies of records found, too. Raises MemoryStoreError.
    """
    try:
        return _recover(folder, ledger, bodies=bodies, repair=repair, durable=durable)
    except OSError as error:
        raise MemoryStoreError(f"{folder} cannot be read: {error}", param="dir") from error


def _recover(folder: Path, ledger: Ledger, *, bodies: bool, repair: bool, durable: bool) -> Recovery:
    result = Recovery()
    session = log.bind(session=str(ledger.session.key))
    files = segment_files(folder)
    for row in [row for row in ledger.segments.values() if row.obsolete]:
        if repair:
            (folder / row.id.file_name).unlink(missing_ok=True)
            ledger.drop_segment(row.id)
        files.pop(row.id, None)
    lost = _forget_missing(ledger, files)
    met: list[_Met] = []
    for segment, size in files.items():
        start = _start(folder, ledger, segment, size)
        if start is None or start >= size:
            continue
        place = {"segment": segment.file_name}
        found = 0
        for one in _read(folder, segment, start, bodies=bodies):
            if isinstance(one, _Met):
                met.append(one)
                found += 1
                continue
            where = place | {"offset": one.start, "bytes": one.end - one.start, "problem": one.problem}
            if not one.torn:
                session.warning("memory.stretch_lost", **where)
                ledger.resize(segment, max(one.end, ledger.segments[segment].nbytes))
                result.stretches += 1
            elif repair:
                session.warning("memory.torn_tail", **where)
                _cut(folder, ledger, segment, one.start)
                result.torn += 1
                result.torn_bytes += one.end - one.start
        if found and repair and durable:
            _sync(folder / segment.file_name)
    if met and repair and durable:
        sync_folder(folder)
    for one in sorted(met, key=lambda one: one.sequence):
        result.records += _put(ledger, one)
    for block in lost:
        if ledger.blocks.get(block.block_id) is not None and ledger.blocks[block.block_id].damaged:
            where = {"segment": block.place.segment.file_name, "offset": block.place.position}
            session.warning("memory.block_lost", block=block.block_id, **where)
            result.lost += 1
    ledger.revise(damaged=result.lost + result.stretches)
    return result


def _forget_missing(ledger: Ledger, files: dict[SegmentId, int]) -> list[BlockRow]:
    """Take rows out that point at nothing. Returns the blocks among them, which are marked damaged."""
    obsolete = {row.id for row in ledger.segments.values() if row.obsolete}
    lost = []
    for row in ledger.rows():
        if row.place.segment in obsolete or row.place.end <= files.get(row.place.segment, 0):
            continue
        if not isinstance(row, BlockRow):
            ledger.drop_extra(row)
        elif not row.damaged:
            ledger.mark_damaged(row)
            lost.append(row)
    for segment in list(ledger.segments.values()):
        if segment.id not in files and not segment.obsolete:
            ledger.drop_segment(segment.id)
    return lost


def _start(folder: Path, ledger: Ledger, segment: SegmentId, size: int) -> int | None:
    """Where to read on in a file; None when it is not this session's. The ledger knows the segment then."""
    row: SegmentRow | None = ledger.segments.get(segment)
    if row is not None and row.nbytes <= size:
        return row.nbytes
    if row is not None and row.overhead <= size:
        # It is shorter than it was: where its last whole record ends has to be found out.
        ledger.resize(segment, row.overhead)
        return row.overhead
    header, length = _header(folder, segment)
    if header is not None:
        mine = ledger.session
        if header.key != mine.key or header.fingerprint.mismatch(mine.fingerprint):
            log.warning("memory.foreign_segment", session=str(mine.key), segment=segment.file_name)
            return None
    ledger.add_segment(segment, length, length)
    return length


def _header(folder: Path, segment: SegmentId) -> tuple[SegmentHeader | None, int]:
    """A segment's header and its length; None and 0 when it is damaged."""
    fd = os.open(folder / segment.file_name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_segment_header(fd)
    except MemoryStoreError as error:
        if error.code == "store_version":
            raise
        return None, 0
    finally:
        os.close(fd)


def _read(folder: Path, segment: SegmentId, start: int, *, bodies: bool) -> Iterator[_Met | Gap]:
    fd = os.open(folder / segment.file_name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for one in scan(fd, start, bodies=bodies):
            yield _met(segment, one) if isinstance(one, Found) else one
    finally:
        os.close(fd)


def _met(segment: SegmentId, found: Found) -> _Met | Gap:
    header = found.header
    place = Place(segment, found.position, header.head_length, header.body_length)
    mark = (header.kind, header.block_id, header.sequence, place)
    try:
        if header.kind is RecordKind.BLOCK:
            return _Met(*mark, facts=block_facts(header, found.head))
        if header.kind is RecordKind.THUMBNAIL:
            return _Met(*mark)
        return _Met(*mark, note=unpack_note(found.head))
    except MemoryStoreError as error:
        return Gap(place.position, place.end, error.message, torn=False, block_id=header.block_id)


def _put(ledger: Ledger, met: _Met) -> bool:
    """Returns whether the record counts."""
    if met.facts is not None:
        return ledger.put_block(*met.facts, met.sequence, met.place)
    counts = ledger.put_extra(met.kind, met.block_id, met.sequence, met.place)
    removed = met.note.get("removed")
    if type(removed) is int and removed < INT_LIMIT:
        ledger.revise(removed=max(0, removed - ledger.session.removed))
    if counts and met.kind is RecordKind.STATE and isinstance(met.note.get("state"), dict):
        ledger.revise(state=json.dumps(met.note["state"]))
    return counts


def _cut(folder: Path, ledger: Ledger, segment: SegmentId, end: int) -> None:
    """Cut a torn tail off; a file of which nothing is left goes."""
    file = folder / segment.file_name
    if end:
        os.truncate(file, end)
        return
    file.unlink()
    ledger.drop_segment(segment)


def _sync(file: Path) -> None:
    fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)
