from functools import partial

import numpy as np
import pytest

from memory.block import BlockInfo
from memory.index.flat import FlatIndex
from memory.index.stored import load_index
from memory.recall.policies import new_policy
from memory.recall.policy import Entry, Query
from streams.config import MemoryConfig
from streams.types import US_PER_S, BlockKind

LAYERS, DIM, EMBEDDING_DIM = 3, 6, 5
POLICIES = ("layers", "pooled", "representatives", "external", "hybrid")


@pytest.fixture(scope="session")
def make_info():
    def make(block_id, *, kind=BlockKind.FRAME, at_s=None, text=None):
        at_us = round((block_id if at_s is None else at_s) * US_PER_S)
        return BlockInfo(block_id, kind, at_us, at_us + US_PER_S, text or f"thing {block_id}", 5)

    return make


@pytest.fixture(scope="session")
def make_entry(make_info):
    """A block by id with random vectors, the same for the same id; ``digest`` and the like replace them."""

    def make(block_id, *, rows=2, digest=None, embedding=None, **more):
        random = np.random.default_rng(block_id)
        if digest is None:
            digest = random.standard_normal((LAYERS, rows, DIM))
        if embedding is None:
            embedding = random.standard_normal(EMBEDDING_DIM)
        info = make_info(block_id, **more)
        return Entry(info, np.asarray(digest, np.float16), np.asarray(embedding, np.float16))

    return make


@pytest.fixture(scope="session")
def make_query():
    def make(seed=0, now_s=10_000):
        random = np.random.default_rng([seed, 1])
        keys = random.standard_normal((LAYERS, DIM)).astype(np.float32)
        embedding = random.standard_normal(EMBEDDING_DIM).astype(np.float32)
        return Query(now_s * US_PER_S, keys, embedding)

    return make


@pytest.fixture(scope="session")
def make_policy():
    """The policy of a configuration over exact indexes."""

    def make(name="representatives", *, layers=LAYERS, dim=DIM, embedding_dim=EMBEDDING_DIM, half_life_s=0.0):
        return new_policy(
            MemoryConfig(policy=name, recency_half_life_s=half_life_s),
            layers=layers,
            dim=dim,
            embedding_dim=embedding_dim,
            new_index=FlatIndex,
            load_index=partial(load_index, background=lambda job: job()),
        )

    return make


@pytest.fixture(params=[*POLICIES, "recency"])
def any_policy(request, make_policy):
    """Makes an empty policy, of each kind in turn."""
    if request.param == "recency":
        return lambda **more: make_policy("hybrid", half_life_s=600, **more)
    return lambda **more: make_policy(request.param, **more)
