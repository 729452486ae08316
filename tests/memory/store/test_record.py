import dataclasses
import json
import struct
from zlib import crc32

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from memory.block import BlockInfo, Grid
from memory.store.record import (
    HEADER,
    INT_LIMIT,
    MAGIC,
    Record,
    RecordKind,
    block_facts,
    info_from_json,
    info_to_json,
    pack_block,
    pack_note,
    split,
    unpack_block,
    unpack_entry,
    unpack_header,
    unpack_note,
)
from streams.errors import MemoryStoreError
from streams.types import BlockKind

GRID = [1, 2, 1]
INFO = {"id": 7, "kind": "frame", "start_us": 1, "end_us": 2, "text": "a cat", "tokens": 3, "offset": 4}


def read(data):
    return unpack_block(*split(data))


@given(
    block_id=st.integers(0, INT_LIMIT - 1),
    sequence=st.integers(1, INT_LIMIT - 1),
    kind=st.sampled_from(BlockKind),
    text=st.text(st.characters(exclude_categories=["Cs"])),
    times=st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2**61)),
    shape=st.lists(st.integers(0, 5), max_size=4),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.uint8, torch.int8, torch.float16]),
    embedding=st.booleans(),
)
def test_a_block_comes_back_bit_for_bit(
    make_encoded, assert_same, block_id, sequence, kind, text, times, shape, dtype, embedding
):
    start_us, length_us = times
    info = BlockInfo(block_id, kind, start_us, start_us + length_us, text, 3, 2**40)
    tensors = {"x": torch.randint(0, 100, shape).to(dtype), "": torch.tensor(1.5)}
    encoded = make_encoded(1, embedding=embedding)
    encoded = dataclasses.replace(encoded, info=info, tensors=tensors, codec=text)
    data = pack_block(encoded).to_bytes(sequence)
    assert_same(read(data), encoded)
    header = unpack_header(data)
    assert (header.block_id, header.sequence, header.nbytes) == (block_id, sequence, len(data))
    head = data[HEADER.size : HEADER.size + header.head_length]
    entry = unpack_entry(header, head)
    assert entry.info == info
    assert entry.digest.tobytes() == encoded.digest.numpy().tobytes()
    assert (entry.embedding is None) == (encoded.embedding is None)
    assert block_facts(header, head) == (info, text)


def test_every_field_of_a_block_is_kept():
    whole = INFO | {"grid": GRID}
    assert {field.name for field in dataclasses.fields(BlockInfo)} == info_to_json(
        info_from_json(whole)
    ).keys()
    assert info_to_json(info_from_json(whole)) == whole


def test_of_a_block_without_a_grid_none_is_written():
    """So what is kept of it is what it was before there were any."""
    assert info_to_json(info_from_json(INFO)) == INFO


@pytest.mark.parametrize("grid", [Grid(1, 2, 1), Grid(1, 4, 5, (3, 19))])
def test_a_block_with_a_grid_comes_back(make_encoded, assert_same, grid):
    encoded = make_encoded(3)
    encoded = dataclasses.replace(encoded, info=dataclasses.replace(encoded.info, grid=grid))
    assert_same(read(pack_block(encoded).to_bytes(1)), encoded)


def test_tensors_that_share_memory_or_are_not_contiguous_are_kept(make_encoded):
    both = torch.randn(2, 3, 4)
    tensors = {"a": both, "b": both[0], "c": both.transpose(0, 2)}
    back = read(pack_block(dataclasses.replace(make_encoded(1), tensors=tensors)).to_bytes(1))
    assert all(torch.equal(back.tensors[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"digest": torch.zeros(2, 2, 8)}, "digest"),
        ({"digest": torch.zeros(2, 8).half()}, "digest"),
        ({"embedding": torch.zeros(6)}, "embedding"),
        ({"codec": None}, "tensors"),
        ({"tensors": {"x": "no tensor"}}, "tensors"),
        ({"info": BlockInfo(-1, BlockKind.FRAME, 0, 1, "", 1)}, "id"),
        ({"info": BlockInfo(1, BlockKind.FRAME, 0, 1, "", -1)}, "tokens"),
        ({"info": BlockInfo(1, BlockKind.FRAME, 2, 1, "", 1)}, "end_us"),
        ({"info": BlockInfo(1, BlockKind.FRAME, 0, 1, "\ud800", 1)}, "info"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(make_encoded, changes, param):
    with pytest.raises(MemoryStoreError) as caught:
        pack_block(dataclasses.replace(make_encoded(1), **changes))
    assert caught.value.param == param


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_record(data):
    with pytest.raises(MemoryStoreError):
        read(data)
    with pytest.raises(MemoryStoreError):
        unpack_header(MAGIC + data)


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
def test_a_flipped_bit_or_a_missing_byte_is_noticed(make_encoded, place, bit, cut):
    data = bytearray(pack_block(make_encoded(1, embedding=True)).to_bytes(9))
    place %= len(data)
    if cut:
        del data[place]
    else:
        data[place] ^= 1 << bit
    with pytest.raises(MemoryStoreError):
        read(bytes(data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(INFO)), value=JSON)
def test_a_description_of_other_types_is_refused_or_the_same(name, value):
    try:
        info = info_from_json(INFO | {name: value})
    except MemoryStoreError:
        return
    assert type(getattr(info, name)) in (int, str, BlockKind)
    assert info_to_json(info)[name] == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        INFO | {"more": 1},
        {name: INFO[name] for name in INFO if name != "offset"},
        INFO | {"id": True},
        INFO | {"id": 1.0},
        INFO | {"tokens": float("nan")},
        INFO | {"tokens": -1},
        INFO | {"offset": 2**63},
        INFO | {"start_us": 3},
        INFO | {"kind": "smell"},
        INFO | {"text": "\ud800"},
        INFO | {"grid": None},
        INFO | {"grid": [1, 2]},
        INFO | {"grid": [0, 1, True]},
        INFO | {"grid": [0, 1, 0]},
        INFO | {"grid": [-1, 1, 1]},
        INFO | {"grid": [2, 1, 2]},
        INFO | {"grid": [0, 2, 2, 1, 1]},
        INFO | {"grid": [0, 2, 2, 1, 0]},
        INFO | {"grid": [0, 2, 2, 4]},
        INFO | {"grid": [0, 2, 2, -1]},
    ],
)
def test_a_wrong_description_is_refused(value):
    with pytest.raises(MemoryStoreError):
        info_from_json(value)


def forged(head, body=b"", **changes):
    """A record whose checksums are right, whatever is in it."""
    fields = {
        "version": 1,
        "kind": RecordKind.BLOCK,
        "block_id": 7,
        "sequence": 1,
        "head_length": len(head),
        "body_length": len(body),
    }
    front = HEADER.pack(MAGIC, *(fields | changes).values(), crc32(head), crc32(body), 0)[:-4]
    return front + struct.pack("<I", crc32(front)) + head + body


def head_of(info=INFO, codec="int8", tensors=None):
    metadata = {"info": info if isinstance(info, str) else json.dumps(info), "codec": codec}
    tensors = {"digest": torch.zeros(2, 2, 8).half()} if tensors is None else tensors
    return save(tensors, {name: value for name, value in metadata.items() if value is not None})


def test_a_forged_record_that_is_right_is_read():
    assert read(forged(head_of(), save({}))).info.text == "a cat"


@pytest.mark.parametrize(
    "data",
    [
        forged(head_of(), save({}), version=2),
        forged(head_of(), save({}), kind=0),
        forged(head_of(), save({}), kind=77),
        forged(head_of(), save({}), kind=RecordKind.STATE),
        forged(head_of(), save({}), block_id=-1),
        forged(head_of(), save({}), block_id=8),
        forged(head_of(), save({}), sequence=2**63),
        forged(head_of(), save({}), head_length=2**31),
        forged(head_of(), save({}), body_length=2**63),
        forged(head_of(), save({}), body_length=3),
        forged(head_of(), b""),
        forged(head_of(), b"\xff" * 40),
        forged(b"", save({})),
        forged(b"\xff" * 40, save({})),
        forged(save({"digest": torch.zeros(1, 1, 1).half()}), save({})),
        forged(head_of(info="nonsense"), save({})),
        forged(head_of(info="[" * 100_000), save({})),
        forged(head_of(info='{"id": ' + "9" * 5_000 + "}"), save({})),
        forged(head_of(info=INFO | {"id": 8}), save({})),
        forged(head_of(codec=None), save({})),
        forged(head_of(tensors={}), save({})),
        forged(head_of(tensors={"digest": torch.zeros(2, 2, 8)}), save({})),
        forged(head_of(tensors={"digest": torch.zeros(2, 8).half()}), save({})),
        forged(head_of(tensors={"digest": torch.zeros(1, 1, 1).half(), "x": torch.zeros(1)}), save({})),
    ],
    ids=lambda data: str(crc32(data)),
)
def test_a_record_with_right_checksums_and_wrong_content_is_refused(data):
    with pytest.raises(MemoryStoreError):
        read(data)


@given(st.binary(max_size=100))
def test_arbitrary_heads_and_bodies_are_refused(junk):
    for data in (forged(junk, save({})), forged(head_of(), junk)):
        header, head, body = split(data)
        with pytest.raises(MemoryStoreError):
            unpack_block(header, head, body)
    with pytest.raises(MemoryStoreError):
        unpack_entry(unpack_header(forged(junk)), junk)


def test_a_note_comes_back():
    note = {"reason": "budget", "removed": 3, "deep": {"a": [1, None]}}
    header, head, body = split(pack_note(RecordKind.TOMBSTONE, 4, note).to_bytes(2))
    assert (header.kind, header.block_id, body) == (RecordKind.TOMBSTONE, 4, b"")
    assert unpack_note(head) == note


@pytest.mark.parametrize("note", [{"x": float("nan")}, {"x": object()}])
def test_a_note_that_is_not_json_is_refused(note):
    with pytest.raises(MemoryStoreError, match="not JSON"):
        pack_note(RecordKind.STATE, 0, note)


@pytest.mark.parametrize("head", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_note_is_refused(head):
    with pytest.raises(MemoryStoreError):
        unpack_note(head)


def test_an_id_that_does_not_fit_is_refused():
    with pytest.raises(MemoryStoreError):
        Record(RecordKind.THUMBNAIL, 2**63, b"")
