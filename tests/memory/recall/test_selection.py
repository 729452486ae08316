import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.block import BlockInfo
from memory.recall import selection
from memory.recall.likeness import Likeness
from memory.recall.policy import Hit
from streams.types import US_PER_S, BlockKind

FRAME, SAID, REPLY = BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY


def infos(*blocks):
    return {
        block_id: BlockInfo(block_id, kind, at_s * US_PER_S, (at_s + 1) * US_PER_S, text, 5)
        for block_id, kind, at_s, text in blocks
    }


def hits(*block_ids):
    return [Hit(block_id, 10.0 - place) for place, block_id in enumerate(block_ids)]


def select(found, known, limit, **around):
    """Of blocks that words tell apart."""
    return selection.select(found, known, limit, Likeness(None), **around)


def ids(chosen):
    return [hit.block_id for hit in chosen]


SPREAD = infos(*((block_id, FRAME, 100 * block_id, "a cat") for block_id in range(1, 10)))


def test_the_best_few_come_back_in_the_order_of_time():
    found = hits(4, 1, 6, 2, 3, 5)
    assert ids(select(found, SPREAD, 3)) == [1, 4, 6]
    assert select(found, SPREAD, 0) == []
    assert ids(select(found, SPREAD, 99)) == [1, 2, 3, 4, 5, 6]
    assert select([], SPREAD, 3, neighbours=2, order=[1, 2]) == []


def test_no_more_hits_are_looked_at_than_needed():
    def endless():
        yield from hits(5, 2)
        raise AssertionError("two are enough")

    assert ids(select(endless(), SPREAD, 2)) == [2, 5]


def test_what_says_the_same_soon_after_shows_one_moment():
    known = infos(
        (1, FRAME, 0, "a cat"),
        (2, FRAME, 10, "a cat"),
        (3, SAID, 12, "a cat"),
        (4, FRAME, 20, "a dog, a stick"),
        (5, FRAME, 90, "a cat"),
    )
    # 1 is like the better 2; 3 was said, not seen; 4 says otherwise; 5 is another time.
    assert ids(select(hits(2, 1, 3, 4, 5), known, 9)) == [2, 3, 4, 5]


def test_neighbours_come_along_nearest_first_within_the_limit():
    order = sorted(SPREAD)
    assert ids(select(hits(5), SPREAD, 9, neighbours=1, order=order)) == [4, 5, 6]
    assert ids(select(hits(5), SPREAD, 4, neighbours=2, order=order)) == [3, 4, 5, 6]
    assert ids(select(hits(1), SPREAD, 9, neighbours=2, order=order)) == [1, 2, 3]
    assert ids(select(hits(9), SPREAD, 9, neighbours=2, order=order)) == [7, 8, 9]
    # The best moment is served first, the second with what is left.
    assert ids(select(hits(2, 8), SPREAD, 4, neighbours=1, order=order)) == [1, 2, 3, 8]


def test_a_moment_that_came_along_brings_its_own_neighbours():
    assert ids(select(hits(4, 5), SPREAD, 9, neighbours=1, order=sorted(SPREAD))) == [3, 4, 5, 6]


def test_neighbours_score_just_below_the_moment_that_brought_them():
    chosen = {
        hit.block_id: hit.score for hit in select(hits(5, 1), SPREAD, 9, neighbours=2, order=range(1, 10))
    }
    assert chosen[5] > chosen[4] == chosen[6] > chosen[3] == chosen[7] > chosen[1]
    assert chosen[7] == pytest.approx(chosen[5])


def test_neighbours_that_show_nothing_new_stay_where_they_are():
    known = infos(
        (1, SAID, 0, "look"), (2, FRAME, 2, "a cat"), (3, FRAME, 4, "a cat"), (4, REPLY, 6, "I see a cat.")
    )
    assert ids(select(hits(3), known, 9, neighbours=1, order=[1, 2, 3, 4])) == [3, 4]


def test_blocks_that_are_gone_are_passed_over():
    known = {block_id: info for block_id, info in SPREAD.items() if block_id not in (4, 5)}
    assert ids(select(hits(4, 2, 5), known, 9, neighbours=1, order=range(1, 10))) == [1, 2, 3]


@given(
    block_ids=st.lists(st.integers(1, 12), unique=True),
    times=st.lists(st.integers(0, 20), min_size=12, max_size=12),
    words=st.lists(st.sampled_from(["a", "a b", "c", ""]), min_size=12, max_size=12),
    limit=st.integers(0, 8),
    neighbours=st.integers(0, 3),
)
def test_never_more_than_the_limit_each_once_and_the_best_always(block_ids, times, words, limit, neighbours):
    known = infos(*((i + 1, FRAME, sum(times[: i + 1]), words[i]) for i in range(12)))
    chosen = select(hits(*block_ids), known, limit, neighbours=neighbours, order=sorted(known))
    assert len(chosen) <= limit
    assert ids(chosen) == sorted(set(ids(chosen)))
    if limit and block_ids:
        assert block_ids[0] in ids(chosen)
    if not neighbours:
        assert set(ids(chosen)) <= set(block_ids)
