"""The bytes of one record: a header with checksums, a head that indexes are built from, and a body.

::

    magic 8 | version 2 | kind 2 | block id 8 | sequence 8 | head length 4 | body length 8
    | crc32 of head 4 | crc32 of body 4 | crc32 of all this 4 | head | body

Of a block the head is a safetensors file of ``digest`` and ``embedding`` whose metadata tell the rest,
the body one of the codec's tensors. So a few kB a block, read apart, are enough to rebuild an index. Of
the records of one block the one with the greatest ``sequence`` counts, wherever it lies.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from zlib import crc32

import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save
from torch import Tensor

from memory.block import BlockInfo, Grid
from memory.codec.codec import EncodedBlock
from memory.recall.policy import Entry
from streams.errors import MemoryStoreError
from streams.types import BlockKind

MAGIC = b"\x93StrmRec"
VERSION = 1
HEADER = struct.Struct("<8sHHqQIQIII")
HEAD_LIMIT = 64 * 1024**2
BODY_LIMIT = 2**40
INT_LIMIT = 2**63

BAD_BYTES = (
    SafetensorError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    AssertionError,
    OverflowError,
    RuntimeError,
    struct.error,
)
"""What parsers raise for bytes that nobody wrote."""


class RecordKind(IntEnum):
    BLOCK = 1
    TOMBSTONE = 2
    """The block of this id was removed: earlier records of it do not count."""
    STATE = 3
    THUMBNAIL = 4


@dataclass(frozen=True, slots=True)
class Header:
    kind: RecordKind
    block_id: int
    sequence: int
    head_length: int
    body_length: int
    head_crc: int
    body_crc: int

    @property
    def nbytes(self) -> int:
        return HEADER.size + self.head_length + self.body_length


@dataclass(frozen=True, slots=True)
class Record:
    """A record that has yet to be given its place in the session's ``sequence``."""

    kind: RecordKind
    block_id: int
    head: bytes
    body: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.block_id < INT_LIMIT:
            raise MemoryStoreError(f"{self.block_id} is not the id of a block", param="id")
        if len(self.head) > HEAD_LIMIT or len(self.body) > BODY_LIMIT:
            raise MemoryStoreError(f"block {self.block_id} is too large to be stored", param="block")

    def to_bytes(self, sequence: int) -> bytes:
        sizes = (len(self.head), len(self.body), crc32(self.head), crc32(self.body))
        front = HEADER.pack(MAGIC, VERSION, self.kind, self.block_id, sequence, *sizes, 0)[:-4]
        return b"".join((front, struct.pack("<I", crc32(front)), self.head, self.body))


def unpack_header(data: bytes) -> Header:
    """The header that ``data`` begins with. Raises MemoryStoreError when it is not a whole, valid one."""
    if len(data) < HEADER.size:
        raise MemoryStoreError("a record is cut short inside its header")
    fields = HEADER.unpack_from(data)
    magic, version, kind, block_id, sequence, head, body, head_crc, body_crc, own_crc = fields
    if magic != MAGIC:
        raise MemoryStoreError("there is no record here")
    if crc32(data[: HEADER.size - 4]) != own_crc:
        raise MemoryStoreError("the checksum of a record's header is wrong")
    if version != VERSION:
        raise MemoryStoreError(f"a record has format {version}; {VERSION} is read here", param="version")
    if kind not in RecordKind.__members__.values():
        raise MemoryStoreError(f"a record is of an unknown kind, {kind}", param="kind")
    if block_id < 0 or sequence >= INT_LIMIT or head > HEAD_LIMIT or body > BODY_LIMIT:
        raise MemoryStoreError("a record's header has numbers out of range", param="header")
    return Header(RecordKind(kind), block_id, sequence, head, body, head_crc, body_crc)


def check_head(header: Header, head: bytes) -> None:
    if len(head) != header.head_length or crc32(head) != header.head_crc:
        raise MemoryStoreError(f"the checksum of the head of record {header.block_id} is wrong", param="head")


def check_body(header: Header, body: bytes) -> None:
    if len(body) != header.body_length or crc32(body) != header.body_crc:
        raise MemoryStoreError(f"the checksum of the body of record {header.block_id} is wrong", param="body")


def split(data: bytes) -> tuple[Header, bytes, bytes]:
    """Header, head and body of exactly one record, checksums verified. Raises MemoryStoreError."""
    header = unpack_header(data)
    if len(data) != header.nbytes:
        raise MemoryStoreError(f"record {header.block_id} is {len(data)} bytes, not {header.nbytes}")
    middle = HEADER.size + header.head_length
    head, body = data[HEADER.size : middle], data[middle:]
    check_head(header, head)
    check_body(header, body)
    return header, head, body


def pack_block(encoded: EncodedBlock) -> Record:
    """Raises MemoryStoreError when ``encoded`` is not what can be read back."""
    fields = info_to_json(encoded.info)
    info_from_json(fields)
    named = {"digest": encoded.digest}
    if encoded.embedding is not None:
        named["embedding"] = encoded.embedding
    for name, ndim in (("digest", 3), ("embedding", 1)):
        if name in named and (named[name].dtype != torch.float16 or named[name].ndim != ndim):
            shape = f"{named[name].dtype} {list(named[name].shape)}"
            raise MemoryStoreError(f"block {encoded.id}: its {name} is {shape}, not float16", param=name)
    try:
        head = save(_stored(named), {"info": json.dumps(fields), "codec": encoded.codec})
        body = save(_stored(encoded.tensors))
    except BAD_BYTES as error:
        raise MemoryStoreError(f"block {encoded.id} cannot be stored: {error}", param="tensors") from error
    return Record(RecordKind.BLOCK, encoded.id, head, body)


def unpack_block(header: Header, head: bytes, body: bytes) -> EncodedBlock:
    """The block of a record whose checksums were verified. Raises MemoryStoreError."""
    info, codec = block_facts(header, head)
    try:
        named = load_tensors(head)
        tensors = load_tensors(body)
    except BAD_BYTES as error:
        raise MemoryStoreError(f"the tensors of block {info.id} are damaged: {error}") from error
    _check_named(info.id, {name: (str(one.dtype)[6:], one.ndim) for name, one in named.items()})
    return EncodedBlock(info, codec, tensors, named["digest"], named.get("embedding"))


def unpack_entry(header: Header, head: bytes) -> Entry:
    """What recall knows a block by, from the head alone. Raises MemoryStoreError."""
    info, _ = block_facts(header, head)
    try:
        named = load_arrays(head)
    except BAD_BYTES as error:
        raise MemoryStoreError(f"the head of block {info.id} is damaged: {error}", param="head") from error
    _check_named(info.id, {name: (str(one.dtype), one.ndim) for name, one in named.items()})
    return Entry(info, named["digest"], named.get("embedding"))


def block_facts(header: Header, head: bytes) -> tuple[BlockInfo, str]:
    """What a block is and the name of its codec, from the head alone. Raises MemoryStoreError."""
    try:
        metadata = json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])["__metadata__"]
        info, codec = info_from_json(json.loads(metadata["info"])), metadata["codec"]
    except BAD_BYTES as error:
        raise MemoryStoreError(f"the head of block {header.block_id} is damaged", param="head") from error
    if header.kind is not RecordKind.BLOCK or info.id != header.block_id:
        raise MemoryStoreError(f"record {header.block_id} holds block {info.id}", param="id")
    if not isinstance(codec, str):
        raise MemoryStoreError(f"the codec of block {info.id} is {codec!r}", param="codec")
    return info, codec


def pack_note(kind: RecordKind, block_id: int, note: Mapping[str, object]) -> Record:
    """A record that is only JSON. Raises MemoryStoreError when ``note`` cannot be written as that."""
    try:
        head = json.dumps(note, allow_nan=False).encode()
    except BAD_BYTES as error:
        raise MemoryStoreError(f"the {kind.name.lower()} is not JSON: {error}", param="state") from error
    return Record(kind, block_id, head)


def unpack_note(head: bytes) -> dict[str, object]:
    """What ``pack_note`` was given. Raises MemoryStoreError."""
    try:
        note = json.loads(head)
    except BAD_BYTES as error:
        raise MemoryStoreError("a record's note is not JSON", param="head") from error
    if not isinstance(note, dict):
        raise MemoryStoreError("a record's note is not an object", param="head")
    return note


def info_to_json(info: BlockInfo) -> dict[str, object]:
    """``grid`` is named only where there is one: stores from before there were any have no such field."""
    grid = info.grid
    shown = {} if grid is None else {"grid": grid_to_json(grid)}
    return {
        "id": info.id,
        "kind": str(info.kind),
        "start_us": info.start_us,
        "end_us": info.end_us,
        "text": info.text,
        "tokens": info.tokens,
        "offset": info.offset,
        **shown,
    }


def info_from_json(value: object) -> BlockInfo:
    """Raises MemoryStoreError when ``value`` is not what ``info_to_json`` makes of a block that can be."""
    numbers = ("id", "start_us", "end_us", "tokens", "offset")
    if not isinstance(value, dict) or set(value) - {"grid"} != {*numbers, "kind", "text"}:
        raise MemoryStoreError("a block is described by other fields than it has", param="info")
    for name in numbers:
        if type(value[name]) is not int or not -INT_LIMIT <= value[name] < INT_LIMIT:
            raise MemoryStoreError(f"a block's {name} is {str(value[name])[:40]!r}", param=name)
    for name in ("id", "tokens", "offset"):
        if value[name] < 0:
            raise MemoryStoreError(f"a block's {name} is negative: {value[name]}", param=name)
    if value["end_us"] < value["start_us"]:
        raise MemoryStoreError(f"block {value['id']} ends before it starts", param="end_us")
    try:
        kind = BlockKind(value["kind"])
        value["text"].encode()
    except (ValueError, AttributeError) as error:
        raise MemoryStoreError(
            f"block {value['id']} is of no known kind or has no text", param="info"
        ) from error
    return BlockInfo(**value | {"kind": kind, "grid": _grid(value)})


def grid_to_json(grid: Grid) -> list[int]:
    """Start, rows, columns, and the places that are there where some are not."""
    return [grid.start, grid.rows, grid.columns, *grid.places]


def _grid(value: Mapping[str, Any]) -> Grid | None:
    """Where the grid of a described block lies, if it has one. Raises MemoryStoreError."""
    if "grid" not in value:
        return None
    fields = value["grid"]
    if not isinstance(fields, list) or len(fields) < 3 or any(type(each) is not int for each in fields):
        raise MemoryStoreError(f"a block's grid is {str(fields)[:40]!r}", param="grid")
    start, rows, columns, *places = fields
    grid = Grid(start, rows, columns, tuple(places))
    lies = start >= 0 and min(rows, columns) >= 1 and grid.end <= value["tokens"]
    if (
        not lies
        or places != sorted({*places})
        or (places and not 0 <= places[0] <= places[-1] < rows * columns)
    ):
        raise MemoryStoreError(f"no grid in {value['tokens']} tokens is {str(fields)[:40]}", param="grid")
    return grid


def _stored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As safetensors wants them: on the CPU, contiguous, and none in the memory of another."""
    stored: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        if (storage := plain.untyped_storage().data_ptr()) in seen:
            plain = plain.clone()
        seen.add(storage)
        stored[name] = plain
    return stored


def _check_named(block_id: int, found: Mapping[str, tuple[str, int]]) -> None:
    wanted = {"digest": ("float16", 3), "embedding": ("float16", 1)}
    if "digest" not in found or any(wanted.get(name) != shape for name, shape in found.items()):
        raise MemoryStoreError(f"the head of block {block_id} holds {dict(found)}", param="digest")
