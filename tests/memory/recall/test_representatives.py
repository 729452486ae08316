import numpy as np
import pytest

from memory.recall import indexed
from memory.recall.policy import Query


@pytest.fixture
def of_scores(make_policy, make_entry):
    """A policy whose layers hold one-number representatives: ``{block_id: score for a query of 1}``."""

    def make(*layers, name="representatives"):
        policy = make_policy(name, layers=len(layers), dim=1)
        for block_id in layers[0]:
            policy.add(
                make_entry(block_id, digest=[np.reshape(layer[block_id], (-1, 1)) for layer in layers])
            )
        return policy, Query(0, np.ones((len(layers), 1), np.float32))

    return make


def ids(hits):
    return [hit.block_id for hit in hits]


def test_the_best_match_comes_first(of_scores):
    policy, query = of_scores({1: 0.1, 2: 0.9, 3: 0.5})
    assert ids(policy.rank(query, 9)) == [2, 3, 1]


def test_each_layer_has_one_vote_whatever_its_scale(of_scores):
    # The second layer's scores are a thousand times the first's, which two of three layers agree on.
    small = {1: 0.3, 2: 0.2, 3: 0.1}
    large = {1: 1_000.0, 2: 2_000.0, 3: 3_000.0}
    for name in ("representatives", "layers", "pooled"):
        policy, query = of_scores(small, large, small, name=name)
        assert ids(policy.rank(query, 9)) == [1, 2, 3]


def test_a_block_that_a_layer_did_not_return_gets_its_least_vote(of_scores, monkeypatch):
    monkeypatch.setattr(indexed, "CANDIDATES", 2)
    first = {1: 9.0, 2: 8.0, 3: 1.0}
    second = {1: 9.0, 2: 1.0, 3: 8.0}
    policy, query = of_scores(first, second)
    hits = {hit.block_id: hit.score for hit in policy.rank(query, 1)}
    assert list(hits) == [1]
    # Each layer looks at two blocks and votes 1 and -1; the one that it does not return gets -1 as well.
    scores = {hit.block_id: hit.score for hit in policy._rank(query, 2, None)}
    assert scores == pytest.approx({1: 1.0, 2: -1.0, 3: -1.0}, abs=1e-4)


def test_a_block_is_as_good_as_its_best_representative(of_scores):
    either = {1: [0.9, -0.9], 2: [0.3, 0.4], 3: [-0.5, -0.5]}
    policy, query = of_scores(either)
    assert ids(policy.rank(query, 9)) == [1, 2, 3]
    assert len(policy.rank(query, 9)) == 3


def test_layers_goes_by_the_mean_of_the_representatives(of_scores):
    either = {1: [0.9, -0.9], 2: [0.3, 0.4], 3: [-0.5, -0.5]}
    policy, query = of_scores(either, name="layers")
    assert ids(policy.rank(query, 9)) == [2, 1, 3]


def test_scores_are_mean_standard_scores(make_policy, make_entry, make_query):
    policy, entries = make_policy(), [make_entry(block_id) for block_id in range(1, 30)]
    for entry in entries:
        policy.add(entry)
    query = make_query()
    digests = np.stack([entry.digest.astype(np.float32) for entry in entries])
    best = np.einsum("nlrd,ld->nlr", digests, query.keys).max(axis=2)
    expected = ((best - best.mean(0)) / best.std(0)).mean(1)
    hits = policy.rank(query, 99)
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(expected)[::-1], atol=1e-4)
    assert ids(hits) == (np.argsort(-expected) + 1).tolist()


def test_a_block_with_fewer_representatives_is_found_too(make_policy, make_entry, make_query):
    for name in ("representatives", "pooled", "layers"):
        policy = make_policy(name)
        for block_id, rows in ((1, 2), (2, 1), (3, 4)):
            policy.add(make_entry(block_id, rows=rows))
        assert sorted(ids(policy.rank(make_query(), 9))) == [1, 2, 3]
