import numpy as np
import pytest

from memory.recall.policy import Query
from streams.types import US_PER_S

HALF_LIFE_S = 100


@pytest.fixture
def of_scores(make_policy, make_entry):
    """Policies, without and with the discount, over ``(score, end in seconds)`` by block id."""

    def make(blocks):
        plain, recency = (
            make_policy("representatives", layers=1, dim=1, half_life_s=half_life_s)
            for half_life_s in (0, HALF_LIFE_S)
        )
        for policy in (plain, recency):
            for block_id, (score, end_s) in blocks.items():
                policy.add(make_entry(block_id, digest=[[[score]]], at_s=end_s - 1))
        return plain, recency

    return make


def ask(now_s):
    return Query(now_s * US_PER_S, np.ones((1, 1), np.float32))


def test_a_score_halves_with_every_half_life(of_scores):
    _, policy = of_scores({1: (-1.0, 800), 2: (1.0, 900), 3: (0.0, 1000)})
    hits = policy.rank(ask(1_000), 9)
    # Scaled between worst and best: 0, 1, 0.5; a half-life old is the second.
    assert {hit.block_id: hit.score for hit in hits} == pytest.approx({1: 0.0, 2: 0.5, 3: 0.5}, abs=1e-3)


def test_age_decides_between_equals_also_when_scores_are_negative(of_scores):
    plain, policy = of_scores({1: (-5.0, 10), 2: (-5.0, 500), 3: (-5.0, 90), 4: (-9.0, 20)})
    assert [hit.block_id for hit in policy.rank(ask(1_000), 9)] == [2, 3, 1, 4]
    assert plain.rank(ask(1_000), 1)[0].block_id != 2


def test_a_clear_match_outweighs_some_age(of_scores):
    _, policy = of_scores({1: (1.0, 950), 2: (0.1, 1_000), 3: (-1.0, 1_000)})
    assert policy.rank(ask(1_000), 9)[0].block_id == 1
    assert policy.rank(ask(3_000), 9)[0].block_id == 1
    _, policy = of_scores({1: (1.0, 500), 2: (0.1, 1_000), 3: (-1.0, 1_000)})
    assert policy.rank(ask(1_000), 9)[0].block_id == 2


def test_one_that_is_low_among_many_may_come_up(of_scores):
    blocks = {block_id: (1.0 + block_id / 1e3, 100) for block_id in range(1, 31)}
    _, policy = of_scores(blocks | {31: (0.9, 10_000), 32: (-1.0, 10_000)})
    assert policy.rank(ask(10_000), 1)[0].block_id == 31


def test_what_lies_in_the_future_counts_as_new(of_scores):
    _, policy = of_scores({1: (1.0, 5_000)})
    assert policy.rank(ask(0), 9)[0].score == 1.0
