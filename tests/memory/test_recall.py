import numpy as np

from memory.block import BlockInfo
from memory.index import DigestIndex
from memory.recall import Hit, rank, select
from streams.types import US_PER_S, BlockKind


def indexed(*layers):
    """An index whose layers hold one-number representatives: ``{block_id: score for a query of 1}``."""
    index = DigestIndex(len(layers), 1)
    for block_id in layers[0]:
        index.add(block_id, np.array([[[layer[block_id]]] for layer in layers], np.float32))
    return index, np.ones((len(layers), 1), np.float32)


def test_nothing_is_found_in_an_empty_index():
    assert rank(*indexed({})) == []


def test_the_best_match_comes_first():
    hits = rank(*indexed({1: 0.1, 2: 0.9, 3: 0.5}))
    assert [hit.block_id for hit in hits] == [2, 3, 1]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_each_layer_has_one_vote_whatever_its_scale():
    # The second layer's scores are a thousand times the first's, which two of three layers agree on.
    small = {1: 0.3, 2: 0.2, 3: 0.1}
    large = {1: 1_000.0, 2: 2_000.0, 3: 3_000.0}
    assert [hit.block_id for hit in rank(*indexed(small, large, small))] == [1, 2, 3]


def test_a_block_that_a_layer_did_not_return_gets_its_least_vote(monkeypatch):
    monkeypatch.setattr("memory.recall.CANDIDATES", 2)
    first = {1: 9.0, 2: 8.0, 3: 1.0}
    second = {1: 9.0, 2: 1.0, 3: 8.0}
    hits = {hit.block_id: hit.score for hit in rank(*indexed(first, second))}
    assert max(hits, key=hits.get) == 1
    assert hits[2] == hits[3]


def infos(*blocks):
    return {
        block_id: BlockInfo(block_id, kind, at_s * US_PER_S, (at_s + 1) * US_PER_S, text, 5)
        for block_id, kind, at_s, text in blocks
    }


def test_the_best_few_come_back_in_the_order_of_time():
    known = infos(*((block_id, BlockKind.FRAME, 100 * block_id, "a cat") for block_id in range(1, 7)))
    hits = [Hit(block_id, -float(rank)) for rank, block_id in enumerate((4, 1, 6, 2, 3, 5))]
    assert [hit.block_id for hit in select(hits, known, 3)] == [1, 4, 6]
    assert select(hits, known, 0) == []
    assert [hit.block_id for hit in select(hits, known, 99)] == [1, 2, 3, 4, 5, 6]


def test_what_says_the_same_soon_after_shows_one_moment():
    frame, said = BlockKind.FRAME, BlockKind.UTTERANCE
    known = infos(
        (1, frame, 0, "a cat"),
        (2, frame, 10, "a cat"),
        (3, said, 12, "a cat"),
        (4, frame, 20, "a dog"),
        (5, frame, 90, "a cat"),
    )
    hits = [Hit(block_id, 0.0) for block_id in (2, 1, 3, 4, 5)]
    # 1 is like the better 2; 3 was said, not seen; 4 says otherwise; 5 is another time.
    assert [hit.block_id for hit in select(hits, known, 4)] == [2, 3, 4, 5]
