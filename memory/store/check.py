"""What the bytes of a record must be to be served, and what is wrong with a segment file."""

from __future__ import annotations

from collections.abc import Iterator

from memory.codec.codec import EncodedBlock
from memory.recall.policy import Entry
from memory.store.identity import Damage
from memory.store.record import HEADER, Header, check_head, split, unpack_block, unpack_entry, unpack_header
from memory.store.row import BlockRow, ExtraRow
from memory.store.segment import Gap, read_segment_header, scan
from streams.errors import MemoryStoreError


def check_header(row: BlockRow | ExtraRow, header: Header) -> None:
    """Raises MemoryStoreError when it is not the record that ``row`` speaks of."""
    if (header.kind, header.block_id, header.sequence) != (row.kind, row.block_id, row.sequence):
        raise MemoryStoreError(f"the record of block {row.block_id} is another one's", param="id")


def decode_block(row: BlockRow, data: bytes) -> EncodedBlock:
    """The block of a whole record. Raises MemoryStoreError unless it is ``row``'s, bit for bit."""
    header, head, body = split(data)
    check_header(row, header)
    encoded = unpack_block(header, head, body)
    if encoded.info != row.info or encoded.codec != row.codec:
        raise MemoryStoreError(f"block {row.block_id} is not what the catalog says", param="info")
    return encoded


def decode_entry(row: BlockRow, data: bytes) -> Entry:
    """What recall knows a block by, of a record up to its body. Raises as ``decode_block``."""
    header = unpack_header(data)
    check_header(row, header)
    head = data[HEADER.size :]
    check_head(header, head)
    entry = unpack_entry(header, head)
    if entry.info != row.info:
        raise MemoryStoreError(f"block {row.block_id} is not what the catalog says", param="info")
    return entry


def gaps(fd: int, name: str, overhead: int, nbytes: int) -> Iterator[Damage]:
    """What is no record between the header of an open segment file and ``nbytes``; a damaged header too.

    Raises OSError.
    """
    try:
        read_segment_header(fd)
    except MemoryStoreError as error:
        yield Damage(None, name, 0, error.message)
    for one in scan(fd, overhead, bodies=True):
        if isinstance(one, Gap) and one.start < nbytes:
            yield Damage(None, name, one.start, one.problem)
