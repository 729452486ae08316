from collections import Counter

import pytest
import torch

from llm.sampler import Sampler


def sampler(**options):
    return Sampler(**{"temperature": 0.0, "top_p": 1.0, "repetition_penalty": 1.0, "seed": 0} | options)


def scores(*values):
    return torch.tensor(values)


def test_greedy_takes_the_best():
    assert sampler().sample(scores(0.1, 2.0, -1.0)) == 1


def test_what_was_written_becomes_less_likely():
    # CTRL: a positive score is divided by the penalty, a negative one multiplied.
    penalised = sampler(repetition_penalty=2.0)
    assert [penalised.sample(scores(3.0, 2.0, -1.0)) for _ in range(2)] == [0, 1]
    negative = sampler(repetition_penalty=2.0)
    assert [negative.sample(scores(-1.0, -1.5, -9.0)) for _ in range(2)] == [0, 1]
    alone = sampler()
    assert [alone.sample(scores(3.0, 2.0, -1.0)) for _ in range(3)] == [0, 0, 0]


def test_the_penalty_is_that_of_transformers_and_leaves_the_scores_alone():
    from_library = pytest.importorskip("transformers").RepetitionPenaltyLogitsProcessor(1.3)
    ours = sampler(repetition_penalty=1.3)
    generator = torch.Generator().manual_seed(4)
    written = []
    for _ in range(200):
        logits = torch.randn(40, generator=generator)
        before = logits.clone()
        expected = logits
        if written:
            expected = from_library(torch.tensor([written]), logits[None].clone())[0]
        written.append(ours.sample(logits))
        assert written[-1] == int(expected.argmax())
        assert torch.equal(logits, before)


def test_only_the_nucleus_is_drawn_from():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    nucleus = sampler(temperature=1.0, top_p=0.7)
    drawn = Counter(nucleus.sample(logits) for _ in range(600))
    assert set(drawn) == {0, 1}
    assert 300 < drawn[0] < 450
    only_best = sampler(temperature=1.0, top_p=0.01)
    assert {only_best.sample(logits) for _ in range(50)} == {0}
    everything = sampler(temperature=1.0)
    assert {everything.sample(logits) for _ in range(600)} == {0, 1, 2, 3}


def test_a_higher_temperature_is_more_daring():
    logits = torch.tensor([2.0, 0.0])
    cold, hot = (
        sum(chooser.sample(logits) for _ in range(500))
        for chooser in (sampler(temperature=0.3), sampler(temperature=2.0))
    )
    assert cold < 20 < hot


def test_the_seed_decides():
    logits = torch.zeros(50)
    draws = [
        [chooser.sample(logits) for _ in range(20)]
        for chooser in (sampler(temperature=1.0, seed=seed) for seed in (1, 1, 2))
    ]
    assert draws[0] == draws[1] != draws[2]
