import numpy as np
import pytest

from memory.block import BlockInfo
from memory.recall.likeness import Likeness
from memory.recall.ordered import STEPS, in_order
from memory.recall.policy import Entry, Hit
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
    alike = Likeness(lambda n: Entry(mute[n], np.ones((1, 1, 2)), kinds[order_of[SEEN[n - 1]]]))
    found = in_order([Hit(5, 0.9)], "around", sorted(mute), mute, 6, alike)
    assert [hit.block_id for hit in found] == [5, 3, 6]
    found = in_order([], "first", sorted(mute), mute, 8, alike)
    assert [hit.block_id for hit in found] == [1, 4, 6, 7]


def looked_at(meaning, count=200):
    """So many frames of which nothing is sure, a minute apart, and what was looked at of them."""
    infos = {
        n: BlockInfo(n, BlockKind.FRAME, n * 60_000_000, n * 60_000_000, "", 4) for n in range(1, count + 1)
    }
    looked = set()

    def entry(block_id):
        looked.add(block_id)
        return Entry(infos[block_id], np.ones((1, 1, 2)), meaning)

    return infos, Likeness(entry), looked


def test_frames_of_which_nothing_is_known_are_moments_of_their_own_however_near_their_digests():
    infos, alike, _ = looked_at(np.zeros(3, np.float16))
    found = in_order([Hit(100, 0.9)], "around", sorted(infos), infos, 6, alike)
    assert [hit.block_id for hit in found] == [100, 99, 101]
    found = in_order([], "first", sorted(infos), infos, 6, alike)
    assert [hit.block_id for hit in found] == [1, 2, 3]


@pytest.mark.parametrize("asked", ["first", "around"])
def test_of_a_long_moment_no_more_is_looked_at_than_a_few_steps(asked):
    infos, alike, looked = looked_at(np.ones(3, np.float16), 2_000)
    in_order([Hit(1_000, 0.9)], asked, sorted(infos), infos, 6, alike)
    assert len(looked) <= 3 * (STEPS + 2)


def test_moments_do_not_run_into_one_another():
    """Each frame shares most of its words with the next, and the first none with the last."""
    said = ["cat, sofa", "cat, sofa, dog", "dog, sofa", "dog"]
    infos = {n: BlockInfo(n, BlockKind.FRAME, n, n + 1, text, 4) for n, text in enumerate(said, 1)}
    assert order([], "first", infos) == [1, 3]
    assert order([(4, 0.9)], "around", infos) == [4, 2]
