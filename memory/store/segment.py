"""Append-only segment files: a header that says whose they are, then record after record."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zlib import crc32

from memory.store.identity import Fingerprint, SessionKey
from memory.store.record import BAD_BYTES, HEADER, MAGIC, Header, check_head, unpack_header
from memory.store.row import SegmentId, Stream
from streams.errors import MemoryStoreError
from streams.whole_file import sync_folder

SEGMENT_MAGIC = b"\x93StrmSeg"
SEGMENT_VERSION = 1
_FRONT = struct.Struct("<8sHIII")
_NOTE_LIMIT = 64 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """Whose segment it is; ``created_us`` is when the session was, since 1970."""

    key: SessionKey
    fingerprint: Fingerprint
    created_us: int
    segment: SegmentId

    def to_bytes(self) -> bytes:
        note = json.dumps(
            {
                "tenant": self.key.tenant,
                "session": self.key.name,
                "fingerprint": self.fingerprint.to_json(),
                "created_us": self.created_us,
                "stream": self.segment.stream,
                "number": self.segment.number,
            }
        ).encode()
        front = _FRONT.pack(SEGMENT_MAGIC, SEGMENT_VERSION, len(note), crc32(note), 0)[:-4]
        return front + struct.pack("<I", crc32(front)) + note


def read_segment_header(fd: int) -> tuple[SegmentHeader, int]:
    """The header of an open segment file and its length in bytes.

    Raises MemoryStoreError: with code ``store_version`` when it is whole but of another format.
    """
    front = os.pread(fd, _FRONT.size, 0)
    if len(front) < _FRONT.size:
        raise MemoryStoreError("a segment is cut short inside its header")
    magic, version, length, note_crc, own_crc = _FRONT.unpack(front)
    if magic != SEGMENT_MAGIC or crc32(front[:-4]) != own_crc:
        raise MemoryStoreError("a segment's header is damaged")
    if version != SEGMENT_VERSION:
        problem = f"a segment has format {version}; this program reads {SEGMENT_VERSION}"
        raise MemoryStoreError(problem, param="version", code="store_version")
    note = os.pread(fd, length, _FRONT.size) if length <= _NOTE_LIMIT else b""
    if len(note) != length or crc32(note) != note_crc:
        raise MemoryStoreError("a segment's header is damaged")
    try:
        fields = json.loads(note)
        key = SessionKey(fields["tenant"], fields["session"])
        segment = SegmentId(Stream(fields["stream"]), fields["number"])
        created_us = fields["created_us"]
        fingerprint = Fingerprint.from_json(fields["fingerprint"])
    except BAD_BYTES as error:
        raise MemoryStoreError("a segment's header has other fields than it should") from error
    if type(created_us) is not int or type(segment.number) is not int:
        raise MemoryStoreError("a segment's header has numbers that are none")
    return SegmentHeader(key, fingerprint, created_us, segment), _FRONT.size + length


class SegmentWriter:
    """Appends to one segment file; what could not be written whole is taken back."""

    def __init__(self, file: Path, segment: SegmentId, fd: int, end: int, *, durable: bool) -> None:
        self._file = file
        self._fd = fd
        self._durable = durable
        self._torn = False
        self._dirty = False
        self._failed = ""
        self.segment = segment
        self.end = end

    @classmethod
    def create(cls, folder: Path, header: SegmentHeader, *, durable: bool) -> Self:
        """A new file. ``durable``: ``sync`` reaches the disk. Raises MemoryStoreError."""
        file = folder / header.segment.file_name
        fd = -1
        try:
            fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            writer = cls(file, header.segment, fd, 0, durable=durable)
            writer.append(header.to_bytes())
            if durable:
                sync_folder(folder)
        except (OSError, MemoryStoreError) as error:
            if fd >= 0:
                os.close(fd)
                file.unlink(missing_ok=True)
            raise MemoryStoreError(f"{file.name} cannot be created: {error}", param="dir") from error
        return writer

    @classmethod
    def resume(cls, folder: Path, segment: SegmentId, end: int, *, durable: bool) -> Self:
        """Goes on at ``end``; what lies past it is cut off. Raises MemoryStoreError."""
        file = folder / segment.file_name
        try:
            fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise MemoryStoreError(f"{file.name} cannot be opened: {error}", param="dir") from error
        writer = cls(file, segment, fd, end, durable=durable)
        writer._torn = True
        return writer

    def append(self, data: bytes) -> int:
        """The offset ``data`` begins at. Raises MemoryStoreError, and the file is as it was before."""
        if self._failed:
            raise MemoryStoreError(self._failed, param="dir")
        try:
            if self._torn:
                os.ftruncate(self._fd, self.end)
                os.lseek(self._fd, self.end, os.SEEK_SET)
            self._torn = True
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            problem = f"{self._file.name} cannot be written: {error.strerror or error}"
            try:
                os.ftruncate(self._fd, self.end)
            except OSError as second:
                problem += f" (nor cut back: {second.strerror}; the next write will)"
            raise MemoryStoreError(problem, param="dir") from error
        self._torn = False
        self._dirty = True
        position, self.end = self.end, self.end + len(data)
        return position

    def sync(self) -> None:
        """Return once everything appended is on the disk. Raises MemoryStoreError, from then on always: what
        the kernel could not write it may have let go of, and a second try would seem to succeed.
        """
        if self._failed:
            raise MemoryStoreError(self._failed, param="dir")
        if not self._dirty:
            return
        self._dirty = False
        try:
            if self._durable:
                os.fdatasync(self._fd)
        except OSError as error:
            self._failed = f"{self._file.name} cannot be brought to disk: {error.strerror or error}"
            raise MemoryStoreError(self._failed, param="dir") from error

    def close(self) -> None:
        os.close(self._fd)


@dataclass(frozen=True, slots=True)
class Found:
    """A whole record at ``position``."""

    position: int
    header: Header
    head: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes from ``start`` to ``end`` that are no valid record; ``torn`` when nothing valid follows.

    ``block_id`` is known when only head or body are damaged.
    """

    start: int
    end: int
    problem: str
    torn: bool
    block_id: int | None = None


def scan(fd: int, start: int, *, bodies: bool) -> Iterator[Found | Gap]:
    """Every record of an open segment file from ``start`` on, and what lies between.

    After damage it goes on at the next valid header. ``bodies``: verify their checksums too, which
    reads everything. Takes time linear in the file, whatever is in it.
    """
    window = _Window(fd)
    size = os.fstat(fd).st_size
    position, lost, problem = start, -1, ""
    while position < size:
        try:
            header = unpack_header(window.read(position, HEADER.size))
            if position + header.nbytes > size:
                raise MemoryStoreError(f"record {header.block_id} is cut short")
        except MemoryStoreError as error:
            if lost < 0:
                lost, problem = position, error.message
            position = window.find(MAGIC, position + 1, size)
            continue
        if lost >= 0:
            yield Gap(lost, position, problem, torn=False)
            lost = -1
        yield _read_found(fd, position, header, bodies=bodies)
        position += header.nbytes
    if lost >= 0:
        yield Gap(lost, size, problem, torn=True)


def read_exactly(fd: int, length: int, position: int) -> bytes:
    """Raises MemoryStoreError when the file ends before."""
    if position + length > os.fstat(fd).st_size:
        raise MemoryStoreError("a segment ends before its record does")
    data = os.pread(fd, length, position)
    while len(data) < length:
        more = os.pread(fd, length - len(data), position + len(data))
        if not more:
            raise MemoryStoreError("a segment ends before its record does")
        data += more
    return data


def _read_found(fd: int, position: int, header: Header, *, bodies: bool) -> Found | Gap:
    end = position + header.nbytes
    try:
        head = read_exactly(fd, header.head_length, position + HEADER.size)
        check_head(header, head)
        if bodies:
            _check_body(fd, header, end - header.body_length)
    except MemoryStoreError as error:
        return Gap(position, end, error.message, torn=False, block_id=header.block_id)
    return Found(position, header, head)


def _check_body(fd: int, header: Header, position: int) -> None:
    left, checksum = header.body_length, 0
    while left and (chunk := os.pread(fd, min(left, _CHUNK), position)):
        checksum = crc32(chunk, checksum)
        left -= len(chunk)
        position += len(chunk)
    if left or checksum != header.body_crc:
        problem = f"the checksum of the body of record {header.block_id} is wrong"
        raise MemoryStoreError(problem, param="body")


class _Window:
    """A stretch of a file held while it is searched, so that many false finds read it once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._start = 0
        self._data = b""

    def read(self, position: int, length: int) -> bytes:
        """``length`` bytes, less at the end of the file. Outside the window it reads just these."""
        offset = position - self._start
        if 0 <= offset <= len(self._data) - length:
            return self._data[offset : offset + length]
        return os.pread(self._fd, length, position)

    def find(self, wanted: bytes, position: int, size: int) -> int:
        """Where ``wanted`` is next; ``size`` when it is nowhere."""
        while position < size:
            if not self._start <= position <= self._start + len(self._data) - len(wanted):
                self._start, self._data = position, os.pread(self._fd, _CHUNK, position)
            if (found := self._data.find(wanted, position - self._start)) >= 0:
                return self._start + found
            if len(self._data) < len(wanted):
                break
            position = self._start + len(self._data) - len(wanted) + 1
        return size
