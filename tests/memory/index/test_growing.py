import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.index.flat import FlatIndex
from memory.index.growing import IVF_FROM, PQ_FROM, GrowingIndex
from memory.index.ivf import IvfIndex

DIM = 48


class Later:
    """Keeps jobs until they are run."""

    def __init__(self):
        self.jobs = []

    def __call__(self, job):
        self.jobs.append(job)

    def run(self):
        while self.jobs:
            self.jobs.pop(0)()


def everything(index):
    """Ids and scores of all vectors, in an order of their own."""
    query = np.linspace(-1, 1, index.dim, dtype=np.float32)[None]
    scores, ids = index.search(query, len(index) or 1, index.ids())
    order = np.lexsort((scores[0], ids[0]))
    return ids[0][order], scores[0][order]


def assert_holds(index, ids, vectors):
    flat = FlatIndex(index.dim)
    flat.add(ids, vectors)
    found, wanted = everything(index), everything(flat)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-4, atol=1e-3)
    assert len(index) == len(ids)


def test_the_method_follows_the_size(growing, stream):
    ids, vectors = stream(1_000)
    index = growing(DIM, ivf_from=300, pq_from=1_200)
    seen = []
    for start in range(0, 2_000, 100):
        rows = slice(start, start + 100)
        index.add(ids[rows], vectors[rows])
        if index.method not in seen:
            seen.append(index.method)
            seen.append(len(index))
    assert seen == ["flat", 100, "ivf", 300, "ivfpq", 1_200]
    assert len(index) == 2_000
    np.testing.assert_array_equal(index.ids(), np.arange(1, 1_001))


def test_by_default_minutes_are_compared_with_one_by_one(stream, at_once):
    index = GrowingIndex(DIM, background=at_once)
    index.add(*stream(500))
    assert index.method == "flat"
    assert 1_000 < IVF_FROM < PQ_FROM


def test_it_is_trained_again_when_it_has_doubled(growing, stream):
    ids, vectors = stream(700)
    index = growing(DIM, ivf_from=300)
    trained_on = []
    for start in range(0, 1_400, 100):
        index.add(ids[start : start + 100], vectors[start : start + 100])
        trained_on.append(getattr(index._index, "trained_on", 0))
    assert sorted(set(trained_on)) == [0, 300, 600, 1_200]
    assert_holds(index, ids, vectors)


def test_what_changes_while_it_is_trained_is_not_lost(growing, stream, monkeypatch):
    ids, vectors = stream(400)
    later = Later()
    index = growing(DIM, ivf_from=500, background=later)
    index.add(ids[:500], vectors[:500])
    assert len(later.jobs) == 1

    def meanwhile(self, sample, **_):
        for row in range(500, 700, 2):
            index.add(ids[row : row + 2], vectors[row : row + 2])
        index.remove(np.array([3, 251, 300, 10_000]))
        index.add(np.array([3]), vectors[:1])
        assert index.method == "flat"
        assert index.search(vectors[:1], 3)[1].min() > 0

    monkeypatch.setattr(IvfIndex, "calibrate", meanwhile)
    index.add(ids[700:], vectors[700:])
    later.run()
    assert not later.jobs, "one job at a time"
    assert index.method == "ivf"
    stays = ~np.isin(ids, [3, 251, 300])
    assert_holds(index, np.append(ids[stays], 3), np.concatenate([vectors[stays], vectors[:1]]))


def test_when_training_fails_the_old_index_goes_on_and_it_is_tried_again_later(
    growing, stream, monkeypatch, logged
):
    ids, vectors = stream(300)
    index = growing(DIM, ivf_from=200)

    def fail(self, sample, **_):
        raise RuntimeError("Error: no memory")

    with monkeypatch.context() as patch:
        patch.setattr(IvfIndex, "calibrate", fail)
        index.add(ids[:200], vectors[:200])
        index.add(ids[200:240], vectors[200:240])
    assert index.method == "flat"
    assert [record.message for record in logged()] == ["memory.index_training_failed"]
    assert_holds(index, ids[:240], vectors[:240])
    index.add(ids[240:248], vectors[240:248])
    assert index.method == "flat"
    index.add(ids[248:250], vectors[248:250])
    assert index.method == "ivf"
    assert_holds(index, ids[:250], vectors[:250])


def test_a_background_that_takes_no_jobs_is_no_reason_to_stop(growing, stream, logged):
    def closed(job):
        raise RuntimeError("worker is closed")

    ids, vectors = stream(300)
    index = growing(DIM, ivf_from=200, background=closed)
    index.add(ids, vectors)
    assert [record.message for record in logged()] == ["memory.index_training_failed"]
    assert_holds(index, ids, vectors)


def test_removed_below_the_threshold_before_the_job_runs_nothing_is_trained(growing, stream):
    ids, vectors = stream(300)
    later = Later()
    index = growing(DIM, ivf_from=500, background=later)
    index.add(ids, vectors)
    index.remove(np.arange(1, 200))
    later.run()
    assert index.method == "flat"
    index.add(ids, vectors)
    later.run()
    assert index.method == "ivf"


def test_threads_add_remove_and_search_across_the_thresholds(stream):
    ids, vectors = stream(3_000)
    threads, failures, done, trained = [], [], threading.Event(), threading.Event()

    def background(job):
        threads.append(threading.Thread(target=lambda: (job(), trained.set())))
        threads[-1].start()

    index = GrowingIndex(DIM, ivf_from=1_000, pq_from=10**6, background=background)
    index.add(ids[:200], vectors[:200])

    def guarded(call):
        def run():
            try:
                call()
            except BaseException as error:
                failures.append(error)

        return threading.Thread(target=run)

    def add(first):
        for row in range(200 + 2 * first, 6_000, 4):
            if row > 3_000:
                assert trained.wait(30)
            index.add(ids[row : row + 2], vectors[row : row + 2])

    def remove():
        for block in range(1, 100, 2):
            index.remove(np.array([block]))

    def search():
        while not done.is_set():
            scores, found = index.search(vectors[100:101], 20)
            assert (found >= 0).all()
            assert (np.diff(scores) <= 0).all()
            assert set(index.search(vectors[:1], 9, np.array([60, 80]))[1][0]) == {60, 80, -1}

    changing = [guarded(lambda: add(0)), guarded(lambda: add(1)), guarded(remove)]
    searching = [guarded(search), guarded(search)]
    for thread in (*changing, *searching):
        thread.start()
    for thread in changing:
        thread.join()
    done.set()
    for thread in (*searching, *threads):
        thread.join()
    assert not failures, failures
    assert index.method == "ivf"
    assert len(threads) >= 2, "it grew on after it was trained"
    stays = (ids >= 100) | (ids % 2 == 0)
    assert_holds(index, ids[stays], vectors[stays])


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove", "train"]), st.integers(1, 30), st.integers(1, 12)),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, ivf_from=st.integers(1, 40))
def test_whenever_jobs_run_it_holds_what_was_added_and_not_removed(new_model, operations, ivf_from):
    later, model = Later(), new_model(4)
    index = GrowingIndex(4, ivf_from=ivf_from, pq_from=10**6, background=later)
    rng = np.random.default_rng(0)
    for operation, first, count in operations:
        ids = np.arange(first, first + count)
        if operation == "add":
            vectors = rng.normal(size=(count, 4)).astype(np.float32)
            index.add(ids, vectors)
            model.add(ids, vectors)
        elif operation == "remove":
            index.remove(ids)
            model.remove(ids)
        else:
            later.run()
        assert len(later.jobs) <= 1
        np.testing.assert_array_equal(index.ids(), np.unique(model.ids))
        query = np.ones((1, 4), np.float32)
        np.testing.assert_allclose(
            index.search(query, 5, index.ids())[0], model.search(query, 5)[0], rtol=1e-3, atol=1e-3
        )
    later.run()
    assert index.method == "flat" or index._index.trained_on >= ivf_from
    assert_holds(index, model.ids, model.vectors)


@pytest.mark.parametrize(("ivf_from", "pq_from"), [(0, 10), (20, 10)])
def test_thresholds_are_in_order(at_once, ivf_from, pq_from):
    with pytest.raises(AssertionError):
        GrowingIndex(DIM, ivf_from=ivf_from, pq_from=pq_from, background=at_once)
