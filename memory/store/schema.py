"""The catalog's tables, and rows to and from what is written of them.

Every row carries a checksum of itself: SQLite has none, and a flipped bit may leave a valid database.
Format 2 added where a block's grid lies; ``upgrade`` brings format 1 to it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import cast
from zlib import crc32

from memory.store.identity import Fingerprint, SessionKey
from memory.store.record import RecordKind, grid_to_json, info_from_json
from memory.store.row import BlockRow, ExtraRow, Place, SegmentId, SegmentRow, SessionRow, Stream
from streams.errors import MemoryStoreError

VERSION = 2
APPLICATION_ID = 0x5374726D

TABLES = {
    "sessions": """CREATE TABLE sessions (
  id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL,
  created_us INTEGER NOT NULL, last_used_us INTEGER NOT NULL, sequence INTEGER NOT NULL,
  removed INTEGER NOT NULL, damaged INTEGER NOT NULL, state TEXT NOT NULL, crc INTEGER NOT NULL,
  UNIQUE (tenant, name)
) STRICT""",
    "segments": """CREATE TABLE segments (
  session INTEGER NOT NULL, stream TEXT NOT NULL, number INTEGER NOT NULL, bytes INTEGER NOT NULL,
  overhead INTEGER NOT NULL, live INTEGER NOT NULL, min_id INTEGER NOT NULL, max_id INTEGER NOT NULL,
  obsolete INTEGER NOT NULL, crc INTEGER NOT NULL,
  PRIMARY KEY (session, stream, number)
) STRICT, WITHOUT ROWID""",
    "blocks": """CREATE TABLE blocks (
  session INTEGER NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL, text TEXT NOT NULL, tokens INTEGER NOT NULL, "offset" INTEGER NOT NULL,
  grid TEXT NOT NULL,
  codec TEXT NOT NULL, sequence INTEGER NOT NULL, stream TEXT NOT NULL, segment INTEGER NOT NULL,
  position INTEGER NOT NULL, head_length INTEGER NOT NULL, body_length INTEGER NOT NULL,
  recalled INTEGER NOT NULL, damaged INTEGER NOT NULL, crc INTEGER NOT NULL,
  PRIMARY KEY (session, id)
) STRICT, WITHOUT ROWID""",
    "extras": """CREATE TABLE extras (
  session INTEGER NOT NULL, kind INTEGER NOT NULL, block INTEGER NOT NULL, sequence INTEGER NOT NULL,
  stream TEXT NOT NULL, segment INTEGER NOT NULL, position INTEGER NOT NULL,
  head_length INTEGER NOT NULL, body_length INTEGER NOT NULL, crc INTEGER NOT NULL,
  PRIMARY KEY (session, kind, block)
) STRICT, WITHOUT ROWID""",
}
"""``extras`` are the live records that are no blocks: tombstones, thumbnails, the state."""

Values = tuple[int | str, ...]
_KINDS = frozenset((int, str))
_INFO_COLUMNS = ("id", "kind", "start_us", "end_us", "text", "tokens", "offset", "grid")


def session_values(row: SessionRow) -> Values:
    fingerprint = json.dumps(row.fingerprint.to_json())
    times = (row.created_us, row.last_used_us)
    counts = (row.sequence, row.removed, row.damaged)
    return sealed(row.id, row.key.tenant, row.key.name, fingerprint, *times, *counts, row.state)


def session_row(values: Sequence[object]) -> SessionRow:
    """Raises MemoryStoreError or ValueError, as all of these, when the values are not what was written."""
    id_, tenant, name, fingerprint, created, used, sequence, removed, damaged, state = unsealed(values)
    key, made_with = SessionKey(str(tenant), str(name)), Fingerprint.from_json(json.loads(str(fingerprint)))
    numbers = (int(created), int(used), int(sequence), int(removed), int(damaged))
    return SessionRow(int(id_), key, made_with, *numbers, str(state))


def segment_values(session: int, row: SegmentRow) -> Values:
    sizes = (row.nbytes, row.overhead, row.live, row.min_id, row.max_id)
    return sealed(session, str(row.id.stream), row.id.number, *sizes, int(row.obsolete))


def segment_row(values: Sequence[object]) -> SegmentRow:
    _, stream, number, nbytes, overhead, live, min_id, max_id, obsolete = unsealed(values)
    size, front, alive = _counts(nbytes, overhead, live)
    return SegmentRow(_segment(stream, number), size, front, alive, int(min_id), int(max_id), bool(obsolete))


def block_values(session: int, row: BlockRow) -> Values:
    info = row.info
    grid = "" if info.grid is None else json.dumps(grid_to_json(info.grid))
    said = (str(info.kind), info.start_us, info.end_us, info.text, info.tokens, info.offset, grid)
    place = (row.codec, row.sequence, *_place_values(row.place))
    return sealed(session, info.id, *said, *place, row.recalled, int(row.damaged))


def block_row(values: Sequence[object]) -> BlockRow:
    _, *said, codec, sequence, stream, number, position, head, body, recalled, damaged = unsealed(values)
    facts = dict(zip(_INFO_COLUMNS, said, strict=True))
    grid = facts.pop("grid")
    info = info_from_json(facts | ({"grid": json.loads(str(grid))} if grid else {}))
    place = (stream, number, position, head, body)
    return BlockRow(info, str(codec), int(sequence), _place(place), int(recalled), bool(damaged))


def extra_values(session: int, row: ExtraRow) -> Values:
    return sealed(session, int(row.kind), row.block_id, row.sequence, *_place_values(row.place))


def extra_row(values: Sequence[object]) -> ExtraRow:
    _, kind, block_id, sequence, *place = unsealed(values)
    return ExtraRow(RecordKind(int(kind)), int(block_id), int(sequence), _place(place))


def _place_values(place: Place) -> Values:
    segment = place.segment
    return str(segment.stream), segment.number, place.position, place.head_length, place.body_length


def _place(values: Sequence[int | str]) -> Place:
    stream, number, *lengths = values
    return Place(_segment(stream, number), *_counts(*lengths))


@lru_cache(maxsize=4096)
def _segment(stream: int | str, number: int | str) -> SegmentId:
    """One instance for all the rows that name it."""
    return SegmentId(Stream(str(stream)), *_counts(number))


def _counts(*values: int | str) -> list[int]:
    counts = [int(value) for value in values]
    if min(counts) < 0:
        raise MemoryStoreError("the catalog has a negative size", param="catalog")
    return counts


def sealed(*values: int | str) -> Values:
    """A row with its checksum behind it."""
    return (*values, crc32(repr(values).encode()))


def unsealed(values: Sequence[object]) -> Values:
    """A row without its checksum. Raises MemoryStoreError when that is wrong."""
    row, crc = tuple(values[:-1]), values[-1]
    if not _KINDS.issuperset(map(type, row)) or crc32(repr(row).encode("utf-8", "replace")) != crc:
        raise MemoryStoreError("the checksum of a row of the catalog is wrong", param="catalog")
    return cast(Values, row)
