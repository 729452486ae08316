import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.block import BlockInfo
from memory.store.identity import Fingerprint, SessionKey
from memory.store.ledger import Ledger
from memory.store.record import RecordKind
from memory.store.row import Place, SegmentId, SessionRow, Stream
from streams.errors import MemoryStoreError
from streams.types import BlockKind

SESSION = SessionRow(1, SessionKey("a", "b"), Fingerprint("m", "h", "t", 1, 1, 1), 0, 0)
SEGMENTS = [SegmentId(Stream.BLOCKS, 1), SegmentId(Stream.BLOCKS, 2), SegmentId(Stream.JOURNAL, 1)]
HEADER = 10


@pytest.fixture
def ledger():
    return new_ledger()


def new_ledger():
    ledger = Ledger(SESSION)
    for segment in SEGMENTS:
        ledger.add_segment(segment, HEADER, HEADER)
    return ledger


def info(block_id):
    return BlockInfo(block_id, BlockKind.FRAME, 0, 1, "", 1)


def place(number, segment=0, size=20):
    """The ``number``th of records of one size in a segment."""
    nbytes = Place(SEGMENTS[segment], 0, 5, size).nbytes
    return Place(SEGMENTS[segment], HEADER + number * nbytes, 5, size)


def put(ledger, kind, block_id, sequence, where):
    if kind is RecordKind.BLOCK:
        return ledger.put_block(info(block_id), "exact", sequence, where)
    return ledger.put_extra(kind, block_id, sequence, where)


def content(ledger):
    """What counts, and sizes."""
    blocks = {block_id: row.sequence for block_id, row in ledger.blocks.items()}
    extras = {key: row.sequence for key, row in ledger.extras.items()}
    return blocks, extras, ledger.segments


KINDS = st.sampled_from([RecordKind.BLOCK, RecordKind.BLOCK, RecordKind.TOMBSTONE, RecordKind.THUMBNAIL])


@given(
    st.lists(st.tuples(KINDS, st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_records_are_met_does_not_matter(kinds, random):
    count = itertools.count()
    records = [
        (kind, block_id, sequence, place(next(count), segment))
        for sequence, (kind, block_id, segment) in enumerate(kinds, 1)
    ]
    in_order = new_ledger()
    for record in records:
        put(in_order, *record)
    shuffled = random.sample(records, len(records))
    other = new_ledger()
    for record in [*shuffled, *random.choices(records, k=3)]:
        put(other, *record)
    assert content(in_order) == content(other)
    other.check_integrity()
    for block_id in (1, 2, 3):
        newest = max(
            (one for one in records if one[1] == block_id and one[0] != 4),
            default=None,
            key=lambda one: one[2],
        )
        alive = newest is not None and newest[0] is RecordKind.BLOCK
        assert (block_id in in_order.blocks) == alive


def test_a_copy_changes_nothing_but_the_place(ledger):
    put(ledger, RecordKind.BLOCK, 1, 5, place(0))
    assert not put(ledger, RecordKind.BLOCK, 1, 5, place(0, 1))
    assert ledger.blocks[1].place == place(0)
    ledger.touch(1)
    row = ledger.blocks[1]
    ledger.move(row, place(1, 1))
    assert ledger.blocks[1].place == place(1, 1)
    assert ledger.blocks[1].recalled == 1
    assert ledger.segments[SEGMENTS[0]].live == 0
    ledger.move(row, place(2, 1))
    assert ledger.blocks[1].place == place(1, 1), "what was moved already is not moved again"
    ledger.check_integrity()


def test_a_damaged_block_heals_from_a_copy_elsewhere_only(ledger):
    put(ledger, RecordKind.BLOCK, 1, 5, place(0))
    ledger.mark_damaged(ledger.blocks[1])
    with pytest.raises(KeyError):
        ledger.block(1)
    assert ledger.dead == place(0).nbytes
    assert not put(ledger, RecordKind.BLOCK, 1, 5, place(0))
    assert not put(ledger, RecordKind.BLOCK, 1, 4, place(0, 1))
    assert put(ledger, RecordKind.BLOCK, 1, 5, place(1, 1))
    assert ledger.block(1).place == place(1, 1)
    ledger.check_integrity()


def test_a_tombstone_is_needed_while_another_segment_may_hold_what_it_denies(ledger):
    put(ledger, RecordKind.BLOCK, 1, 1, place(0))
    put(ledger, RecordKind.BLOCK, 3, 2, place(1))
    put(ledger, RecordKind.BLOCK, 9, 3, place(0, 1))
    for block_id, sequence in ((2, 4), (9, 5), (5, 6)):
        put(ledger, RecordKind.TOMBSTONE, block_id, sequence, place(sequence, 1))
    tombstones = {block_id: ledger.extras[RecordKind.TOMBSTONE, block_id] for block_id in (2, 9, 5)}
    assert ledger.is_needed(tombstones[2])
    assert not ledger.is_needed(tombstones[2], [SEGMENTS[0]])
    assert not ledger.is_needed(tombstones[9])
    assert not ledger.is_needed(tombstones[5])
    assert ledger.only_tombstones() == [SEGMENTS[1]]


def test_the_catalog_is_told_once_and_again_when_it_did_not_learn(ledger):
    put(ledger, RecordKind.BLOCK, 1, 1, place(0))
    changes = ledger.take_changes(SEGMENTS)
    assert set(changes.blocks) == {1}
    assert changes.obsolete == []
    assert not ledger.dirty
    assert ledger.take_changes(SEGMENTS).blocks == {}
    put(ledger, RecordKind.TOMBSTONE, 1, 2, place(0, 1))
    ledger.take_back(changes)
    again = ledger.take_changes([SEGMENTS[1]])
    assert again.blocks == {1: None}
    assert set(again.obsolete) == {SEGMENTS[0], SEGMENTS[2]}
    ledger.make_whole()
    whole = ledger.take_changes(SEGMENTS)
    assert whole.whole
    assert set(whole.extras) == {(RecordKind.TOMBSTONE, 1)}


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows | {"segments": rows["segments"][1:]},
        lambda rows: rows | {"segments": [replace(row, live=row.live + 1) for row in rows["segments"]]},
        lambda rows: rows | {"segments": [replace(row, nbytes=HEADER) for row in rows["segments"]]},
        lambda rows: rows | {"blocks": []},
        lambda rows: rows | {"blocks": [replace(rows["blocks"][0], place=place(9))]},
        lambda rows: rows | {"blocks": [replace(rows["blocks"][0], place=replace(place(0), position=0))]},
    ],
)
def test_rows_that_contradict_each_other_are_refused(ledger, change):
    put(ledger, RecordKind.BLOCK, 1, 1, place(0))
    rows = {"blocks": list(ledger.blocks.values()), "segments": list(ledger.segments.values())}
    assert Ledger(SESSION, **rows).nbytes == ledger.nbytes
    with pytest.raises(MemoryStoreError):
        Ledger(SESSION, **change(rows))
