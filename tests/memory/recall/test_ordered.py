import numpy as np
import pytest

from memory.block import BlockInfo
from memory.recall.likeness import Likeness, Signature
from memory.recall.ordered import in_order
from memory.recall.policy import Hit
from streams.types import BlockKind

SEEN = ["coffee", "coffee", "coffee", "cat", "cat", "dog", "clock", "clock", "car", "tree"]


@pytest.fixture
def infos():
    return {
        number: BlockInfo(number, BlockKind.FRAME, number, number + 1, text, 4)
        for number, text in enumerate(SEEN, 1)
    }


def order(hits, asked, infos, limit=6):
    found = in_order([Hit(n, s) for n, s in hits], asked, sorted(infos), infos, limit, Likeness(None))
    scores = [hit.score for hit in found]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)
    return [hit.block_id for hit in found]


def test_the_earliest_moments_come_first_each_once(infos):
    assert order([(9, 0.9), (4, 0.5)], "first", infos) == [1, 4, 6, 9]


def test_nothing_found_still_has_a_first(infos):
    assert order([], "first", infos, limit=2) == [1]


def test_what_came_before_and_after_the_best_comes_along(infos):
    assert order([(6, 0.9), (10, 0.5), (1, 0.1)], "around", infos) == [6, 5, 7, 10, 9, 1]


def test_the_ends_have_one_side(infos):
    assert order([(10, 0.9)], "around", infos) == [10, 9]
    assert order([(1, 0.9)], "around", infos) == [1, 4]


def test_frames_that_say_nothing_are_moments_of_their_own(infos):
    mute = {n: BlockInfo(n, BlockKind.FRAME, n, n + 1, "", 4) for n in infos}
    assert order([(5, 0.9)], "around", mute) == [5, 4, 6]
    assert order([], "first", mute) == [1, 2, 3]


def test_what_was_forgotten_is_passed_over(infos):
    ids = sorted(infos)
    del infos[1], infos[2], infos[3]
    assert [hit.block_id for hit in in_order([], "first", ids, infos, 2, Likeness(None))] == [4]


def test_frames_that_are_likely_the_same_are_one_moment(infos):
    """Of none it is sure what it shows: what is likely tells where the moments before and after are."""
    mute = {n: BlockInfo(n, BlockKind.FRAME, n, n + 1, "", 4) for n in infos}
    kinds = np.eye(len(set(SEEN)), dtype=np.float16)
    order_of = {text: place for place, text in enumerate(dict.fromkeys(SEEN))}
    alike = Likeness(lambda n: Signature(np.ones((1, 1, 2)), kinds[order_of[SEEN[n - 1]]]))
    found = in_order([Hit(5, 0.9)], "around", sorted(mute), mute, 6, alike)
    assert [hit.block_id for hit in found] == [5, 3, 6]
    found = in_order([], "first", sorted(mute), mute, 8, alike)
    assert [hit.block_id for hit in found] == [1, 4, 6, 7]
