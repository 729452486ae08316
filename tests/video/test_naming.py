import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video.encoder import Label
from video.imagenet import Kind
from video.naming import Namer

NAMES = ["tabby cat", "Siamese cat", "espresso", "cup", "tripod", *(f"thing {i}" for i in range(35))]
KINDS = [
    Kind("cat", frozenset({0, 1})),
    Kind("cup of something", frozenset({2, 3})),
    Kind("thing", frozenset(range(5, 40))),
]
NAMER = Namer(NAMES, KINDS, min_confidence=0.35)


def views(*rows):
    out = np.zeros((len(rows), len(NAMES)), dtype=np.float32)
    for i, row in enumerate(rows):
        for index, probability in row.items():
            out[i, index] = probability
    return out


def said(**regions):
    seen = {"" if region == "whole" else region: rows for region, rows in regions.items()}
    return [(label.name, label.region) for label in NAMER.name(seen)]


def test_a_sure_class_is_named_with_its_lowest_confidence():
    (label,) = NAMER.name({"": views({4: 0.9}, {4: 0.6})})
    assert label == Label("tripod", pytest.approx(0.6))


def test_views_that_disagree_name_nothing():
    assert said(whole=views({4: 0.95}, {4: 0.2})) == []


def test_nothing_under_the_limit_is_said():
    assert said(whole=views({4: 0.34}, {4: 0.34})) == []


def test_unsure_between_siblings_says_their_kind():
    assert said(whole=views({0: 0.45, 1: 0.4}, {0: 0.4, 1: 0.5})) == [("cat", "")]
    assert said(whole=views({0: 0.85, 1: 0.05}, {0: 0.8, 1: 0.1})) == [("tabby cat", "")]


def test_a_kind_must_be_surer_than_a_class_and_a_broad_one_surer_still():
    assert said(whole=views({0: 0.22, 1: 0.2}, {0: 0.22, 1: 0.2})) == []
    spread = dict.fromkeys(range(5, 40), 0.7 / 35)
    assert said(whole=views(spread, spread)) == []
    spread = dict.fromkeys(range(5, 40), 0.8 / 35)
    assert said(whole=views(spread, spread)) == [("thing", "")]


def test_regions_add_what_they_are_very_sure_of_and_nothing_twice():
    whole = views({0: 0.9}, {0: 0.9})
    assert said(whole=whole, left=views({0: 0.99}), right=views({2: 0.9})) == [
        ("tabby cat", ""),
        ("espresso", "right"),
    ]
    assert said(whole=whole, right=views({2: 0.7})) == [("tabby cat", "")]
    assert said(whole=whole, left=views({0: 0.45, 1: 0.5})) == [("tabby cat", "")]


def test_only_a_sure_region_is_worth_another_look():
    assert NAMER.may_name_region(views({2: 0.9})[0])
    assert not NAMER.may_name_region(views({2: 0.7})[0])


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=40, max_size=40), min_size=1, max_size=3))
def test_labels_are_few_confident_and_never_overlap(rows):
    raw = np.array(rows, dtype=np.float32) ** 8 + np.float32(1e-6)
    seen = raw / raw.sum(1, keepdims=True)
    labels = NAMER.name({"": seen, "left": seen[:1]})
    assert len(labels) <= 4
    assert all(0.35 <= label.confidence <= 1 for label in labels)
    covered = [
        next(
            (k.classes for k in KINDS if k.name == x.name),
            {NAMES.index(x.name)} if x.name in NAMES else set(),
        )
        for x in labels
    ]
    assert sum(map(len, covered)) == len(set().union(*covered))
