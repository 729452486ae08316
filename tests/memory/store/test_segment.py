import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.store import segment as segment_module
from memory.store.identity import Fingerprint, SessionKey
from memory.store.record import HEADER, MAGIC, Record, RecordKind, split
from memory.store.row import SegmentId, Stream
from memory.store.segment import (
    Found,
    Gap,
    SegmentHeader,
    SegmentWriter,
    read_exactly,
    read_segment_header,
    scan,
)
from streams.errors import MemoryStoreError

WHOSE = SegmentHeader(
    SessionKey("acme", "door"), Fingerprint("m", "h", "t", 1, 2, 3), 5, SegmentId(Stream.BLOCKS, 4)
)
START = len(WHOSE.to_bytes())


def record(number, size=20):
    return Record(RecordKind.THUMBNAIL, number, b"h" * size, b"b" * size * 2).to_bytes(number + 1)


@pytest.fixture
def writer(tmp_path):
    writer = SegmentWriter.create(tmp_path, WHOSE, durable=True)
    yield writer
    writer.close()


def file_of(folder):
    return folder / WHOSE.segment.file_name


def scanned(file, start=START, bodies=True):
    fd = os.open(file, os.O_RDONLY)
    try:
        return list(scan(fd, start, bodies=bodies))
    finally:
        os.close(fd)


def write_file(folder, data):
    file_of(folder).write_bytes(data)
    return scanned(file_of(folder), 0)


def test_records_come_back_from_where_they_were_put(writer, tmp_path):
    places = [writer.append(record(number)) for number in range(5)]
    writer.sync()
    found = scanned(file_of(tmp_path))
    assert [(one.position, one.header.block_id, one.head) for one in found] == [
        (place, number, b"h" * 20) for number, place in enumerate(places)
    ]
    assert [one.position for one in scanned(file_of(tmp_path), places[3])] == places[3:]
    with file_of(tmp_path).open("rb") as file:
        header, length = read_segment_header(file.fileno())
        data = read_exactly(file.fileno(), len(record(2)), places[2])
    assert (header, length) == (WHOSE, START)
    assert split(data)[0].block_id == 2


def test_an_existing_file_is_not_written_over(writer, tmp_path):
    writer.append(record(1))
    with pytest.raises(MemoryStoreError, match="cannot be created"):
        SegmentWriter.create(tmp_path, WHOSE, durable=True)
    assert len(scanned(file_of(tmp_path))) == 1


@pytest.mark.parametrize("cut_back_works", [True, False])
def test_a_full_disk_takes_nothing_back_but_the_record(writer, tmp_path, monkeypatch, cut_back_works):
    writer.append(record(1))
    write, truncate = os.write, os.ftruncate

    def full(fd, data):
        if len(data) > 60:
            return write(fd, bytes(data)[:60])
        raise OSError(errno.ENOSPC, "No space left on device")

    def broken(fd, size):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        if not cut_back_works:
            patch.setattr(os, "ftruncate", broken)
        for _ in range(2):
            with pytest.raises(MemoryStoreError, match="cannot be written: "):
                writer.append(record(2))
    assert os.ftruncate is truncate
    writer.append(record(3))
    assert [one.header.block_id for one in scanned(file_of(tmp_path))] == [1, 3]


def test_a_full_disk_leaves_no_new_file(tmp_path, monkeypatch):
    def full(fd, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(MemoryStoreError, match="cannot be created"):
            SegmentWriter.create(tmp_path, WHOSE, durable=True)
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_brought_to_disk_is_never_said_to_be(writer, monkeypatch):
    def broken(fd):
        raise OSError(errno.EIO, "Input/output error")

    writer.append(record(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(MemoryStoreError, match="brought to disk"):
            writer.sync()
    with pytest.raises(MemoryStoreError, match="brought to disk"):
        writer.sync()
    with pytest.raises(MemoryStoreError, match="brought to disk"):
        writer.append(record(2))


def test_a_writer_goes_on_after_the_last_whole_record(writer, tmp_path):
    writer.append(record(1))
    end = writer.end
    writer.append(record(2))
    again = SegmentWriter.resume(tmp_path, WHOSE.segment, end, durable=True)
    again.append(record(3))
    again.close()
    assert [one.header.block_id for one in scanned(file_of(tmp_path))] == [1, 3]


@given(cut=st.integers(1, len(record(2))))
def test_a_torn_tail_is_told_from_damage(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("torn")
    whole = WHOSE.to_bytes() + record(1)
    file_of(folder).write_bytes((whole + record(2))[:-cut])
    found = scanned(file_of(folder))
    assert isinstance(found[0], Found)
    assert found[1:] == (
        [] if cut == len(record(2)) else [Gap(len(whole), len(whole + record(2)) - cut, *rest(found[1]))]
    )


def rest(gap):
    assert gap.torn
    return gap.problem, gap.torn


@given(place=st.integers(0, len(record(2)) - 1), bit=st.integers(0, 7))
def test_records_after_a_damaged_one_are_still_found(tmp_path_factory, place, bit):
    folder = tmp_path_factory.mktemp("damaged")
    data = bytearray(WHOSE.to_bytes() + record(1) + record(2) + record(3))
    start = START + len(record(1))
    data[start + place] ^= 1 << bit
    file_of(folder).write_bytes(data)
    first, gap, last = scanned(file_of(folder))
    assert (first.header.block_id, last.header.block_id) == (1, 3)
    assert isinstance(gap, Gap)
    assert not gap.torn
    assert (gap.start, gap.end) == (start, start + len(record(2)))
    assert gap.block_id == (None if place < HEADER.size else 2)


def test_a_damaged_body_is_noticed_only_when_bodies_are_read(tmp_path):
    data = bytearray(WHOSE.to_bytes() + record(1))
    data[-1] ^= 1
    file_of(tmp_path).write_bytes(data)
    assert isinstance(scanned(file_of(tmp_path), bodies=True)[0], Gap)
    assert isinstance(scanned(file_of(tmp_path), bodies=False)[0], Found)


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([MAGIC, MAGIC[:5], record(1), record(2)[:-3], record(3, 0), record(4)[:30], b"\0" * 50]),
)


@given(st.lists(PIECES, max_size=12))
def test_every_byte_of_an_arbitrary_file_is_a_record_or_a_gap(tmp_path_factory, pieces):
    found = write_file(tmp_path_factory.mktemp("any"), b"".join(pieces))
    position = 0
    for one in found:
        start, end = (
            (one.position, one.position + one.header.nbytes)
            if isinstance(one, Found)
            else (one.start, one.end)
        )
        assert start == position
        position = end
        assert not (isinstance(one, Gap) and one.torn and one is not found[-1])
    assert position == len(b"".join(pieces))


def test_a_chunk_border_hides_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr(segment_module, "_CHUNK", 64)
    for size in range(40, 90):
        found = write_file(tmp_path, b"x" * size + record(1) + b"y" * 100 + record(2))
        assert [one.header.block_id for one in found if isinstance(one, Found)] == [1, 2]


def test_a_file_full_of_false_beginnings_is_read_little_more_than_once(tmp_path, monkeypatch):
    monkeypatch.setattr(segment_module, "_CHUNK", 1 << 12)
    pread, read = os.pread, []

    def counting(fd, length, position):
        read.append(len(data := pread(fd, length, position)))
        return data

    monkeypatch.setattr(segment_module.os, "pread", counting)
    data = MAGIC * 10_000
    [gap] = write_file(tmp_path, data)
    assert gap.torn
    assert len(data) <= sum(read) <= 1.5 * len(data)


@given(place=st.integers(0, START - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_segments_header_is_noticed(tmp_path_factory, place, bit):
    data = bytearray(WHOSE.to_bytes())
    data[place] ^= 1 << bit
    file = file_of(tmp_path_factory.mktemp("header"))
    file.write_bytes(data)
    with file.open("rb") as opened, pytest.raises(MemoryStoreError):
        read_segment_header(opened.fileno())


@given(st.binary(max_size=100))
def test_an_arbitrary_header_is_refused(tmp_path_factory, data):
    file = file_of(tmp_path_factory.mktemp("header"))
    for front in (b"", segment_module.SEGMENT_MAGIC, WHOSE.to_bytes()[: START - 10]):
        file.write_bytes(front + data)
        with file.open("rb") as opened, pytest.raises(MemoryStoreError):
            read_segment_header(opened.fileno())


def test_a_later_format_is_refused_by_name(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(segment_module, "SEGMENT_VERSION", 9)
        file_of(tmp_path).write_bytes(WHOSE.to_bytes())
    with file_of(tmp_path).open("rb") as file, pytest.raises(MemoryStoreError, match="format 9") as caught:
        read_segment_header(file.fileno())
    assert caught.value.code == "store_version"


def test_reading_past_the_end_is_refused(writer, tmp_path):
    with file_of(tmp_path).open("rb") as file, pytest.raises(MemoryStoreError, match="ends before"):
        read_exactly(file.fileno(), 2**40, 10)
