import numpy as np
import pytest

from memory.index.flat import FlatIndex
from memory.index.inverted import lists_for
from memory.index.ivf import IvfIndex
from memory.index.ivfpq import IvfPqIndex, parts_of

FRAMES = 4_000


@pytest.fixture(scope="module")
def vectors(stream):
    return stream(FRAMES)


@pytest.fixture(scope="module")
def exact(build, vectors):
    return build(FlatIndex, *vectors)


@pytest.fixture(scope="module")
def ivf(build, vectors):
    return build(IvfIndex, *vectors)


@pytest.mark.parametrize("limit", [1, 8, 64, 512])
def test_recall_of_what_a_stream_leaves_is_095_at_least(ivf, exact, vectors, questions, recall, limit):
    assert recall(ivf, exact, questions(vectors[1]), limit) >= 0.95
    assert recall(ivf, exact, vectors[1][::200] - vectors[1].mean(axis=0), limit) >= 0.95


def test_it_looks_into_some_of_the_lists(ivf):
    assert ivf.lists == lists_for(2 * FRAMES) == 179
    assert ivf.probes(8) <= ivf.probes(64) <= ivf.probes(512) < ivf.lists
    assert ivf.probes(8) < ivf.lists / 2
    assert ivf.probes(513) == ivf.lists


def test_one_list_is_not_enough(ivf, exact, vectors, questions, recall, monkeypatch):
    monkeypatch.setattr(ivf, "_probes", {512: 1})
    assert recall(ivf, exact, questions(vectors[1]), 8) < 0.9


def test_recall_stays_when_half_came_after_training(build, exact, vectors, questions, recall):
    ids, all_of_them = vectors
    index = build(IvfIndex, ids[:FRAMES], all_of_them[:FRAMES])
    probes = index.probes(8)
    index.add(ids[FRAMES:], all_of_them[FRAMES:])
    assert len(index) == 2 * FRAMES
    assert index.probes(8) > probes
    assert recall(index, exact, questions(all_of_them), 8) >= 0.95


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(np.arange(FRAMES - 600, FRAMES + 1), id="the last ten minutes"),
        pytest.param(np.arange(7, FRAMES, 97), id="here and there"),
        pytest.param(np.array([5, 2**50]), id="one that is here"),
    ],
)
def test_with_a_filter_it_is_exact_and_finds_all_there_are(ivf, exact, vectors, questions, allowed):
    for query in questions(vectors[1], 10):
        for limit in (8, 2_000):
            scores, ids = ivf.search(query[None], limit, allowed)
            wanted, _ = exact.search(query[None], limit, allowed)
            np.testing.assert_allclose(scores, wanted, rtol=1e-5)
            assert (ids >= 0).sum() == min(limit, 2 * np.isin(allowed, vectors[0]).sum())


def test_more_results_than_the_probed_lists_hold_are_all_found(ivf, monkeypatch):
    monkeypatch.setattr(ivf, "_probes", {512: 1})
    _, ids = ivf.search(np.ones((2, 48), np.float32), 500)
    assert (ids >= 0).all()


def test_training_is_the_same_each_time(build, vectors):
    ids, some = vectors[0][:1_000], vectors[1][:1_000]
    one, other = (build(IvfPqIndex, ids, some).state() for _ in range(2))
    for name in ("ids", "codes", "centroids", "sizes", "codebook"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.probes == other.probes


def test_quantised_it_takes_a_quarter_and_mostly_finds_the_same(build, exact, vectors, questions, recall):
    index = build(IvfPqIndex, *vectors)
    codes = index.state().codes
    assert codes.shape[1] * 4 == 48 * 2
    queries = questions(vectors[1])
    assert recall(index, exact, queries, 64) >= 0.9
    scores, _ = index.search(queries, 1)
    wanted, _ = exact.search(queries, 1)
    assert np.abs(scores - wanted).mean() < 0.02 * np.abs(wanted).mean()


def test_an_odd_dimension_is_quantised_number_by_number(build, stream):
    assert (parts_of(192), parts_of(7)) == (96, 7)
    ids, vectors = stream(400, dim=7)
    index = build(IvfPqIndex, ids, vectors)
    exact = build(FlatIndex, ids, vectors)
    assert (index.search(vectors[:5], 1)[0] >= exact.search(vectors[:5], 1)[0] * 0.98).all()
