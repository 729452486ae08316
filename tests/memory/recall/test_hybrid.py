import numpy as np
import pytest

from memory.recall.hybrid import HybridPolicy
from memory.recall.policy import Query
from streams.errors import MemoryStoreError


@pytest.fixture
def parts(make_policy):
    return lambda: (make_policy("representatives", layers=1, dim=1), make_policy("external", embedding_dim=2))


@pytest.fixture
def policy(parts, make_entry):
    """Blocks by their place in the first policy and in the second."""
    policy = HybridPolicy(parts)
    for block_id, (key, angle) in {1: (3.0, 0.5), 2: (2.0, 0.4), 3: (1.0, 0.1), 4: (0.0, 0.9)}.items():
        policy.add(make_entry(block_id, digest=[[[key]]], embedding=(np.cos(angle), np.sin(angle))))
    return policy


QUERY = Query(0, np.ones((1, 1), np.float32), np.array([1.0, 0.0], np.float32))


def test_the_score_is_the_sum_of_reciprocal_ranks(policy):
    # Places by key: 1 2 3 4, by embedding: 3 2 1 4.
    expected = {1: 1 / 61 + 1 / 63, 3: 1 / 63 + 1 / 61, 2: 2 / 62, 4: 2 / 64}
    hits = policy.rank(QUERY, 9)
    assert {hit.block_id: hit.score for hit in hits} == pytest.approx(expected)
    # Of two that are as good the newer comes first.
    assert [hit.block_id for hit in hits] == [3, 1, 2, 4]
    assert policy.rank(QUERY, 2) == hits[:2]


def test_parts_that_know_different_blocks_are_refused(policy, parts, make_entry, tmp_path):
    policy.save(tmp_path)
    other = parts()[1]
    for block_id in (1, 2, 3):
        other.add(make_entry(block_id, embedding=(1.0, 0.0)))
    (state,) = (folder for folder in tmp_path.iterdir() if folder.is_dir())
    other.save(state / "external")
    loaded = HybridPolicy(parts)
    with pytest.raises(MemoryStoreError, match="different blocks"):
        loaded.load(tmp_path)
    assert len(loaded) == 0
