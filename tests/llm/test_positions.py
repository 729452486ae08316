import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm.positions import gaps, layout
from memory.block import Block, BlockInfo, Grid
from streams.types import BlockKind


def stream(*places):
    """Sinks, and blocks at (offset, tokens)."""
    empty = torch.empty(0)
    infos = [BlockInfo(0, BlockKind.SYSTEM, 0, 0, "", 9)]
    infos += [
        BlockInfo(place, BlockKind.FRAME, 0, 0, "", tokens, offset)
        for place, (offset, tokens) in enumerate(places, 1)
    ]
    return [Block(info, empty, empty, empty) for info in infos]


@pytest.mark.parametrize(
    ("places", "bound", "spare", "expected"),
    [
        ([(0, 5), (5, 5)], 100, 1_000, (0, 0, 0)),
        ([(7, 5), (12, 5), (30, 5)], 100, 1_000, (0, 7, 0, 13)),
        ([(7, 5), (12, 5), (30, 5)], 10, 1_000, (0, 7, 0, 10)),
        ([(7, 5), (12, 5), (30, 5)], 100, 10, (0, 3, 0, 6)),
        ([(7, 5)], 100, 0, (0, 0)),
        ([(7, 5)], 0, 1_000, ()),
    ],
)
def test_a_gap_is_what_is_not_there_up_to_a_bound(places, bound, spare, expected):
    assert gaps(stream(*places), bound, spare) == expected


@given(
    places=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 20)), max_size=12),
    bound=st.integers(1, 300),
    spare=st.integers(-5, 500),
)
def test_gaps_are_never_negative_nor_more_than_there_is_room_for(places, bound, spare):
    found = gaps(stream(*sorted(places)), bound, spare)
    assert len(found) == len(places) + 1
    assert all(0 <= gap <= bound for gap in found)
    assert sum(found) <= max(spare, 0)


def test_text_counts_on_in_all_three_rows():
    assert layout(4, None).tolist() == [[0, 1, 2, 3]] * 3


def test_a_picture_has_rows_and_columns_and_text_goes_on_behind_its_longer_side():
    # Two tokens of text, a picture of two rows and three columns, two tokens of text.
    time = [0, 1, 2, 2, 2, 2, 2, 2, 5, 6]
    height = [0, 1, 2, 2, 2, 3, 3, 3, 5, 6]
    width = [0, 1, 2, 3, 4, 2, 3, 4, 5, 6]
    assert layout(10, Grid(2, 2, 3)).tolist() == [time, height, width]


def test_of_a_picture_in_part_the_tokens_that_are_there_stand_where_they_stood():
    whole, part = layout(10, Grid(2, 2, 3)), layout(7, Grid(2, 2, 3, (0, 2, 5)))
    assert part.tolist() == whole[:, [0, 1, 2, 4, 7, 8, 9]].tolist()


def test_a_block_takes_as_many_positions_as_its_layout():
    for grid in (None, Grid(0, 1, 1), Grid(2, 2, 3), Grid(3, 4, 1), Grid(2, 3, 3, (0, 4))):
        info = BlockInfo(1, BlockKind.FRAME, 0, 0, "", 10, 0, grid)
        assert info.span == int(layout(10, grid).max()) + 1


def test_what_lies_between_is_counted_in_positions():
    empty = torch.empty(0)
    seen = BlockInfo(1, BlockKind.FRAME, 0, 0, "", 10, 0, Grid(2, 2, 3))
    said = BlockInfo(2, BlockKind.UTTERANCE, 0, 0, "", 5, seen.span + 4)
    sinks = BlockInfo(0, BlockKind.SYSTEM, 0, 0, "", 9)
    assert gaps([Block(info, empty, empty, empty) for info in (sinks, seen, said)], 100, 1_000) == (0, 0, 4)
