import numpy as np
import pytest

from memory.recall.policy import Entry, Query
from streams.errors import MemoryStoreError


def test_goes_by_the_angle_not_the_length(make_policy, make_entry):
    policy = make_policy("external", embedding_dim=2)
    for block_id, embedding in ((1, (0.1, 0.0)), (2, (50.0, 50.0)), (3, (0.0, 1.0)), (4, (-9.0, 0.0))):
        policy.add(make_entry(block_id, embedding=embedding))
    hits = policy.rank(Query(0, embedding=np.array([3.0, 0.0], np.float32)), 9)
    assert [hit.block_id for hit in hits] == [1, 2, 3, 4]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.5**0.5, 0.0, -1.0], abs=1e-3)


def test_a_zero_vector_matches_nothing_and_breaks_nothing(make_policy, make_entry):
    policy = make_policy("external", embedding_dim=2)
    policy.add(make_entry(1, embedding=(0.0, 0.0)))
    policy.add(make_entry(2, embedding=(0.0, 1.0)))
    hits = policy.rank(Query(0, embedding=np.array([0.0, 1.0], np.float32)), 9)
    assert [(hit.block_id, hit.score) for hit in hits] == [(2, 1.0), (1, 0.0)]


@pytest.mark.parametrize("name", ["external", "hybrid"])
def test_a_block_without_an_embedding_is_refused_and_leaves_nothing(
    make_policy, make_entry, make_query, name
):
    policy = make_policy(name)
    entry = make_entry(1)
    with pytest.raises(MemoryStoreError, match="block 1"):
        policy.add(Entry(entry.info, entry.digest, None))
    assert (len(policy), policy.rank(make_query(), 5)) == (0, [])
    policy.add(entry)
    assert len(policy) == 1
