"""What the catalog knows: where each record lies, what each segment holds, and the session itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from memory.block import BlockInfo
from memory.store.identity import Fingerprint, SessionKey
from memory.store.record import HEADER, RecordKind


class Stream(StrEnum):
    """The two rows of segment files that a session has."""

    BLOCKS = "blocks"
    JOURNAL = "journal"
    """Raw copies of blocks that are still in the window: small files that are deleted soon."""


@dataclass(frozen=True, slots=True, order=True)
class SegmentId:
    stream: Stream
    number: int

    @property
    def file_name(self) -> str:
        return f"{self.stream}-{self.number:06}.seg"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies: ``position`` is its first byte in its segment file."""

    segment: SegmentId
    position: int
    head_length: int
    body_length: int

    @property
    def nbytes(self) -> int:
        return HEADER.size + self.head_length + self.body_length

    @property
    def end(self) -> int:
        return self.position + self.nbytes


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block. ``damaged``: its record cannot be read (any more), and its bytes count as dead."""

    info: BlockInfo
    codec: str
    sequence: int
    place: Place
    recalled: int = 0
    damaged: bool = False

    @property
    def kind(self) -> RecordKind:
        return RecordKind.BLOCK

    @property
    def block_id(self) -> int:
        return self.info.id


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A live record that is no block: a tombstone, a thumbnail, the session's state."""

    kind: RecordKind
    block_id: int
    sequence: int
    place: Place


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment file up to ``nbytes``: ``overhead`` is its header, ``live`` the records that count.

    ``min_id`` and ``max_id`` span every block with a record here, dead or live (an empty span: 1, 0): a
    tombstone is needed while some segment's span holds its block. An ``obsolete`` segment has nothing
    live and is about to be deleted.
    """

    id: SegmentId
    nbytes: int
    overhead: int
    live: int = 0
    min_id: int = 1
    max_id: int = 0
    obsolete: bool = False

    @property
    def dead(self) -> int:
        return self.nbytes - self.overhead - self.live

    def spans(self, block_id: int) -> bool:
        return self.min_id <= block_id <= self.max_id


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session. ``id`` is the catalog's own; ``sequence`` is that of the newest record, ``state`` is JSON.

    ``removed`` counts blocks that were removed on purpose, ``damaged`` those (and stretches of files)
    that were found unreadable.
    """

    id: int
    key: SessionKey
    fingerprint: Fingerprint
    created_us: int
    last_used_us: int
    sequence: int = 0
    removed: int = 0
    damaged: int = 0
    state: str = "{}"


ExtraKey = tuple[RecordKind, int]


@dataclass(frozen=True, slots=True)
class Changes:
    """What the catalog has yet to learn. None stands for a row that is gone; with ``whole``, rows that
    are not named here are gone too.
    """

    session: SessionRow
    blocks: dict[int, BlockRow | None]
    extras: dict[ExtraKey, ExtraRow | None]
    segments: dict[SegmentId, SegmentRow | None]
    whole: bool = False

    @property
    def obsolete(self) -> list[SegmentId]:
        return [row.id for row in self.segments.values() if row is not None and row.obsolete]
