import numpy as np
import pytest

from memory.index.flat import FlatIndex
from memory.index.growing import GrowingIndex
from memory.index.ivf import IvfIndex
from memory.index.ivfpq import IvfPqIndex


class Model:
    """What an index is held against: every vector compared, in numpy, in float16 as the indexes keep them."""

    def __init__(self, dim):
        self.ids = np.zeros(0, np.int64)
        self.vectors = np.zeros((0, dim), np.float32)

    def __len__(self):
        return len(self.ids)

    def add(self, ids, vectors):
        self.ids = np.concatenate([self.ids, ids])
        self.vectors = np.concatenate([self.vectors, vectors.astype(np.float16).astype(np.float32)])

    def remove(self, ids):
        stays = ~np.isin(self.ids, ids)
        self.ids, self.vectors = self.ids[stays], self.vectors[stays]

    def search(self, queries, limit, allowed=None):
        scores = queries @ self.vectors.T
        if allowed is not None:
            scores = np.where(np.isin(self.ids, allowed), scores, -np.inf)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :limit]
        best = np.take_along_axis(scores, order, axis=1)
        ids = np.where(np.isinf(best), -1, self.ids[order])
        pad = ((0, 0), (0, max(limit - len(self), 0)))
        return np.pad(best, pad, constant_values=-np.inf), np.pad(ids, pad, constant_values=-1)


@pytest.fixture(scope="session")
def new_model():
    return Model


@pytest.fixture(scope="session")
def at_once():
    """Runs a background job in the foreground."""
    return lambda job: job()


@pytest.fixture(scope="session")
def stream():
    """Vectors [n, dim] as a stream leaves them: scenes of some 30 frames, near each other within and moving
    on, at places that are come back to, and 2 vectors a frame under one id, from 1 on.
    """

    def make(frames, dim=48, seed=0):
        rng = np.random.default_rng(seed)
        places, spread = rng.normal(size=(12, dim)), np.exp(0.7 * rng.normal(size=dim))
        common = 3 * rng.normal(size=dim)
        vectors = np.empty((frames, 2, dim))
        parts = 0.4 * rng.normal(size=(2, dim))
        start = 0
        while start < frames:
            end = min(start + int(rng.geometric(1 / 30)), frames)
            scene = places[rng.integers(len(places))] + 0.7 * rng.normal(size=dim)
            moves = 0.2 * np.cumsum(rng.normal(size=(end - start, dim)), axis=0) / 4
            vectors[start:end] = (scene + moves)[:, None] + parts
            start = end
        vectors += 0.1 * rng.normal(size=vectors.shape)
        found = (common + spread * vectors).reshape(-1, dim).astype(np.float16).astype(np.float32)
        return np.repeat(np.arange(1, frames + 1), 2), found

    return make


@pytest.fixture(scope="session")
def questions():
    """Queries that look for what is there, among other things: not distributed as the vectors are."""

    def make(vectors, count=40, seed=1):
        rng = np.random.default_rng(seed)
        centred = vectors - vectors.mean(axis=0)
        target = centred[rng.integers(0, len(vectors), count)]
        return (0.5 * target + 0.9 * centred.std() * rng.normal(size=target.shape)).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def build():
    """An index of each method that holds vectors under ids."""

    def make(method, ids, vectors):
        if method is FlatIndex:
            index = FlatIndex(vectors.shape[1])
        else:
            index = method.trained(lambda rows: vectors[rows], len(vectors))
        index.add(ids, vectors)
        if method is not FlatIndex:
            index.calibrate(vectors)
        return index

    return make


@pytest.fixture(params=[FlatIndex, IvfIndex, IvfPqIndex], ids=lambda method: method.method)
def method(request):
    return request.param


@pytest.fixture(scope="session")
def recall():
    """The share of the exact results that an index finds."""

    def measure(index, exact, queries, limit, allowed=None):
        found = 0.0
        for query in queries:
            _, wanted = exact.search(query[None], limit, allowed)
            _, got = index.search(query[None], limit, allowed)
            found += len(set(wanted[0]) & set(got[0])) / len(set(wanted[0]))
        return found / len(queries)

    return measure


@pytest.fixture
def growing(at_once):
    def make(dim, *, ivf_from=200, pq_from=1_000_000, background=at_once, index=None):
        return GrowingIndex(dim, ivf_from=ivf_from, pq_from=pq_from, background=background, index=index)

    return make
