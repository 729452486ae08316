"""What every method has in common, against comparing with every vector."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.index.faiss_index import ROOM
from memory.index.flat import FlatIndex
from memory.index.ivf import IvfIndex
from memory.index.ivfpq import IvfPqIndex
from streams.errors import MemoryStoreError

DIM = 6
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EXACT = [FlatIndex, IvfIndex]

ids_of_blocks = st.integers(0, 12) | st.sampled_from([2**31, 2**40, 2**62])
operations = st.lists(
    st.tuples(st.just("add"), st.lists(ids_of_blocks, max_size=8), st.integers(0, 2**32 - 1))
    | st.tuples(st.just("remove"), st.lists(ids_of_blocks, max_size=5), st.just(0))
    | st.tuples(
        st.just("search"), st.none() | st.lists(ids_of_blocks, max_size=14), st.integers(0, 2**32 - 1)
    ),
    max_size=30,
)


def whole_numbers(seed, count):
    """Vectors whose inner products are exact, however they are summed, with many that are equal."""
    return np.random.default_rng(seed).integers(-3, 4, (count, DIM)).astype(np.float32)


def empty(method):
    if method is FlatIndex:
        return FlatIndex(DIM)
    sample = whole_numbers(9, 256)
    return method.trained(lambda rows: sample[rows], len(sample))


def check(index, model, queries, limit, allowed):
    scores, ids = index.search(queries, limit, allowed)
    wanted, _ = model.search(queries, limit, allowed)
    assert scores.shape == ids.shape == (len(queries), limit)
    assert (scores.dtype, ids.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(scores, wanted)
    assert ((ids >= 0) == np.isfinite(wanted)).all()
    for query, found, of in zip(queries, scores, ids, strict=True):
        pairs = list(zip(of[of >= 0].tolist(), found[of >= 0].tolist(), strict=True))
        held = list(zip(model.ids.tolist(), (model.vectors @ query).tolist(), strict=True))
        for pair in set(pairs):
            assert pairs.count(pair) <= held.count(pair), pair
    if allowed is not None:
        assert set(ids[ids >= 0].tolist()) <= set(allowed.tolist())


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
@SLOW
@given(operations=operations, limit=st.integers(0, 30))
def test_it_finds_what_comparing_with_every_vector_finds(new_model, method, operations, limit):
    index, model = empty(method), new_model(DIM)
    for operation, numbers, seed in operations:
        if operation == "add":
            ids, vectors = np.array(numbers, np.int64), whole_numbers(seed, len(numbers))
            index.add(ids, vectors)
            model.add(ids, vectors)
        elif operation == "remove":
            index.remove(np.array(numbers, np.int64))
            model.remove(numbers)
        else:
            allowed = None if numbers is None else np.unique(np.array(numbers, np.int64))
            check(index, model, whole_numbers(seed, 2), limit, allowed)
        assert len(index) == len(model)
        np.testing.assert_array_equal(index.ids(), np.unique(model.ids))


def test_an_empty_index_finds_nothing(method):
    index = empty(method)
    for allowed in (None, np.array([1, 2]), np.array([], np.int64)):
        scores, ids = index.search(whole_numbers(0, 3), 4, allowed)
        assert (ids == -1).all()
        assert np.isneginf(scores).all()
    index.remove(np.array([1]))
    assert len(index) == 0
    assert len(index.ids()) == 0


def test_a_search_leaves_what_it_is_given_and_an_add_keeps_none_of_it(method):
    index = empty(method)
    ids, vectors = np.arange(5), whole_numbers(1, 5)
    index.add(ids, vectors)
    before = index.search(whole_numbers(2, 1), 5)
    ids[:], vectors[:] = 77, 0
    after = index.search(whole_numbers(2, 1), 5)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e5])
def test_numbers_that_float16_has_not_are_refused(method, number):
    index = empty(method)
    vectors = whole_numbers(1, 3)
    vectors[1, 2] = number
    with pytest.raises(MemoryStoreError, match="float16") as raised:
        index.add(np.arange(3), vectors)
    assert raised.value.param == "vectors"
    assert len(index) == 0
    if not np.isfinite(number):
        with pytest.raises(MemoryStoreError) as raised:
            index.search(vectors, 1)
        assert raised.value.param == "queries"


def test_bytes_are_those_of_the_vectors_and_ids(build, stream):
    ids, vectors = stream(2_000)
    flat, ivf, pq = (build(method, ids, vectors) for method in (FlatIndex, IvfIndex, IvfPqIndex))
    assert flat.nbytes == 4_000 * (48 * 2 + 8) * ROOM
    assert flat.nbytes < ivf.nbytes < 1.4 * flat.nbytes
    trained = pq.state().centroids.nbytes * 2 + pq.state().codebook.nbytes
    assert pq.nbytes == 4_000 * (24 + 8) * ROOM + trained


def test_a_state_decodes_to_the_vectors(method, build, stream):
    ids, vectors = stream(600)
    index = build(method, ids, vectors)
    state = index.state()
    decoded = index.decode(state, np.arange(len(state)))
    np.testing.assert_array_equal(decoded[10:20], index.decode(state, slice(10, 20)))
    rows = np.lexsort(np.column_stack([decoded[:, 0], state.ids]).T)
    order = np.lexsort(np.column_stack([vectors[:, 0], ids]).T)
    if method is not IvfPqIndex:
        np.testing.assert_array_equal(decoded[rows], vectors[order])
    else:
        wrong = np.linalg.norm(np.sort(decoded, axis=0) - np.sort(vectors, axis=0))
        assert wrong < 0.1 * np.linalg.norm(vectors - vectors.mean(axis=0))
