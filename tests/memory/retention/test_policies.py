from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.block import BlockInfo
from memory.retention.policies import RETENTION_POLICIES
from memory.retention.policy import Candidate
from streams.types import US_PER_S, BlockKind

FRAME, UTTERANCE = BlockKind.FRAME, BlockKind.UTTERANCE


def candidate(block_id, kind=FRAME, nbytes=100, recalled=0):
    at_us = block_id * US_PER_S
    return Candidate(BlockInfo(block_id, kind, at_us, at_us, f"thing {block_id}", 3), nbytes, recalled)


@pytest.mark.parametrize("name", sorted(RETENTION_POLICIES))
@given(
    sizes=st.lists(st.tuples(st.integers(1, 500), st.integers(0, 3), st.sampled_from([FRAME, UTTERANCE]))),
    wanted=st.integers(-10, 3_000),
)
def test_enough_is_freed_and_no_more_than_needed(name, sizes, wanted):
    candidates = [
        candidate(block_id, kind, nbytes, recalled)
        for block_id, (nbytes, recalled, kind) in enumerate(sizes, 1)
    ]
    chosen = RETENTION_POLICIES[name].choose(candidates, wanted)
    freed = [next(each.nbytes for each in candidates if each.info.id == block_id) for block_id in chosen]
    assert len(chosen) == len(set(chosen))
    assert sum(freed) >= wanted or len(chosen) == len(candidates)
    assert sum(freed[:-1]) < max(wanted, 0) or not chosen


def test_the_oldest_go_first():
    candidates = [candidate(block_id, recalled=9 - block_id) for block_id in range(1, 9)]
    assert RETENTION_POLICIES["oldest"].choose(candidates, 250) == [1, 2, 3]


def test_what_was_needed_before_is_kept_before_what_was_not():
    recalled = {1: 5, 2: 0, 3: 1, 4: 0, 5: 2}
    candidates = [candidate(block_id, recalled=times) for block_id, times in recalled.items()]
    assert RETENTION_POLICIES["least_recalled"].choose(candidates, 350) == [2, 4, 3, 5]


class TestThinning:
    choose = staticmethod(RETENTION_POLICIES["thinning"].choose)

    def test_every_second_frame_of_the_older_half_goes(self):
        candidates = [candidate(block_id) for block_id in range(1, 17)]
        assert self.choose(candidates, 400) == [2, 4, 6, 8]

    def test_the_far_past_gets_sparser_than_the_near(self):
        candidates = [candidate(block_id) for block_id in range(1, 65)]
        gone = set(self.choose(candidates, 3_000))
        kept = [block_id for block_id in range(1, 65) if block_id not in gone]
        assert kept[0] == 1
        assert kept[-8:] == list(range(57, 65))
        gaps = [later - earlier for earlier, later in pairwise(kept)]
        assert max(gaps[: len(gaps) // 2]) > max(gaps[len(gaps) // 2 :])

    def test_what_was_said_goes_last(self):
        candidates = [candidate(block_id, UTTERANCE if block_id % 2 else FRAME) for block_id in range(1, 9)]
        chosen = self.choose(candidates, 10_000)
        assert set(chosen[:3]) <= {2, 4, 6, 8}
        assert [block_id for block_id in chosen if block_id % 2] == [1, 3, 5, 7]
        assert sorted(chosen) == list(range(1, 9))
