import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.index import DigestIndex

LAYERS, DIM = 2, 6


def digest(block_id, rows):
    return np.random.default_rng(block_id).standard_normal((LAYERS, rows, DIM)).astype(np.float32)


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 4)), min_size=1, max_size=30),
    seed=st.integers(0, 99),
)
def test_finds_what_comparing_with_every_representative_finds(steps, seed):
    index, model = DigestIndex(LAYERS, DIM), {}
    for block_id, (adds, rows) in enumerate(steps, 1):
        if adds or not model:
            index.add(block_id, digest(block_id, rows))
            model[block_id] = digest(block_id, rows)
        else:
            gone = sorted(model)[rows % len(model)]
            index.remove(gone)
            del model[gone]
            assert gone not in index
    assert len(index) == len(model)
    assert index.nbytes == sum(each.nbytes for each in model.values())
    if not model:
        return
    query = np.random.default_rng(seed).standard_normal((LAYERS, DIM)).astype(np.float32)
    for layer, hits in enumerate(index.search(query, 10_000)):
        best = {block_id: float((each[layer] @ query[layer]).max()) for block_id, each in model.items()}
        assert hits.block_ids.tolist() == sorted(best, key=best.get, reverse=True)
        np.testing.assert_allclose(hits.scores, sorted(best.values(), reverse=True), rtol=1e-4, atol=1e-5)


def test_looks_no_further_than_the_limit():
    index = DigestIndex(LAYERS, DIM)
    for block_id in range(1, 50):
        index.add(block_id, digest(block_id, 1))
    for hits in index.search(np.ones((LAYERS, DIM), np.float32), 5):
        assert len(hits.block_ids) == 5


def test_refuses_to_remove_what_is_not_there():
    with pytest.raises(KeyError):
        DigestIndex(LAYERS, DIM).remove(1)
