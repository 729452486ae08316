"""Where a session's next record goes: the active segment of its stream, or a new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from memory.store.ledger import Ledger
from memory.store.recovery import segment_files
from memory.store.row import SegmentId, Stream
from memory.store.segment import SegmentHeader, SegmentWriter

JOURNAL_SHARE = 16
"""A journal's segments are so much smaller, as they are given back only whole."""


class Appender:
    """Writes one session's records. One thread at a time, but for ``sync`` of the writers handed out."""

    def __init__(
        self, folder: Path, header: SegmentHeader, ledger: Ledger, *, segment_bytes: int, durable: bool
    ) -> None:
        """``header`` is that of any segment of the session. Raises OSError."""
        self._folder = folder
        self._header = header
        self._ledger = ledger
        self._durable = durable
        self._limits = {Stream.BLOCKS: segment_bytes, Stream.JOURNAL: segment_bytes // JOURNAL_SHARE}
        self._active: dict[Stream, SegmentWriter] = {}
        self._retired: list[SegmentWriter] = []
        self._ended: set[SegmentId] = set()
        known = segment_files(folder).keys() | ledger.segments.keys()
        self._numbers = dict.fromkeys(Stream, 0)
        for segment in known:
            self._numbers[segment.stream] = max(self._numbers[segment.stream], segment.number)

    @property
    def active(self) -> set[SegmentId]:
        """Segments that still grow, or will be gone on with."""
        resumable = (self._resumable(stream) for stream in Stream if stream not in self._active)
        return {writer.segment for writer in self._active.values()} | {one for one in resumable if one}

    def append(self, stream: Stream, data: bytes) -> tuple[SegmentId, int]:
        """Write a record; returns where it begins. Raises MemoryStoreError, and nothing changed."""
        writer = self._active.get(stream) or self._resume(stream)
        if writer is None or (self._is_used(writer) and writer.end + len(data) > self._limits[stream]):
            self.retire(stream)
            writer = self.create(stream)
        return writer.segment, writer.append(data)

    def create(self, stream: Stream) -> SegmentWriter:
        """A new active segment. Raises MemoryStoreError."""
        assert stream not in self._active, "the active segment was not retired"
        segment = SegmentId(stream, self._numbers[stream] + 1)
        header = replace(self._header, segment=segment)
        writer = SegmentWriter.create(self._folder, header, durable=self._durable)
        self._numbers[stream] += 1
        self._ledger.add_segment(segment, writer.end, writer.end)
        self._active[stream] = writer
        return writer

    def retire(self, stream: Stream) -> None:
        """Let the stream's next record go to a new segment."""
        self._ended.add(SegmentId(stream, self._numbers[stream]))
        if (writer := self._active.pop(stream, None)) is not None:
            self._retired.append(writer)

    def writers(self) -> list[SegmentWriter]:
        """All that may have something to bring to disk."""
        return [*self._retired, *self._active.values()]

    def release(self, synced: list[SegmentWriter]) -> None:
        """Close those of ``synced`` that do not grow any more."""
        for writer in [writer for writer in self._retired if writer in synced]:
            self._retired.remove(writer)
            writer.close()

    def close(self) -> None:
        for writer in self.writers():
            writer.close()
        self._active.clear()
        self._retired.clear()

    def _resumable(self, stream: Stream) -> SegmentId | None:
        """The stream's last segment, when its header is whole and there is room."""
        segment = SegmentId(stream, self._numbers[stream])
        row = self._ledger.segments.get(segment)
        if row is None or row.obsolete or not row.overhead or segment in self._ended:
            return None
        return segment if row.nbytes < self._limits[stream] else None

    def _resume(self, stream: Stream) -> SegmentWriter | None:
        segment = self._resumable(stream)
        if segment is None:
            return None
        end = self._ledger.segments[segment].nbytes
        writer = SegmentWriter.resume(self._folder, segment, end, durable=self._durable)
        self._active[stream] = writer
        return writer

    def _is_used(self, writer: SegmentWriter) -> bool:
        return writer.end > self._ledger.segments[writer.segment].overhead
