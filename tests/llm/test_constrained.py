import json

import pytest
import torch

from llm.constrained import ConstrainedSampler
from llm.sampler import Sampler
from llm.schema import arguments_grammar
from streams.errors import ModelError


def greedy():
    return Sampler(temperature=0, top_p=1, repetition_penalty=1, seed=0)


@pytest.fixture
def arguments(chat):
    def by(**schema):
        return ConstrainedSampler(greedy(), chat.grammar_tokenizer, arguments_grammar(json.dumps(schema)))

    return by


def write(sampler, score):
    """All tokens, chosen by ``score`` among those that are allowed."""
    written = []
    while not sampler.complete:
        written += sampler.forced() or [sampler.sample(score(written))]
    return written


def test_what_is_forced_is_not_chosen(arguments, chat):
    city = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    sampler = arguments(**city)

    def score(written):
        raise AssertionError(f"there is one way on from {chat.tokenizer.decode(written)!r}")

    assert json.loads(chat.tokenizer.decode(write(sampler, score))) == {"city": "Paris"}
    assert sampler.complete


def test_the_likeliest_of_what_is_allowed_is_chosen(arguments, chat):
    sampler = arguments(properties={"n": {"type": "integer", "minimum": 0, "maximum": 9}}, required=["n"])
    scores = torch.zeros(len(chat.tokenizer))
    scores[chat.ids("x")[0]] = 9  # likeliest of all, and never allowed
    scores[chat.ids("7")[0]] = 5
    assert json.loads(chat.tokenizer.decode(write(sampler, lambda written: scores))) == {"n": 7}


def test_scores_may_be_wider_than_the_vocabulary_of_the_tokenizer(arguments, chat):
    sampler = arguments(properties={"n": {"type": "boolean"}}, required=["n"])
    generator = torch.Generator().manual_seed(1)
    written = write(sampler, lambda written: torch.randn(len(chat.tokenizer) + 77, generator=generator))
    assert json.loads(chat.tokenizer.decode(written)) in ({"n": True}, {"n": False})


def test_a_grammar_that_is_none_is_an_error(chat):
    with pytest.raises(ModelError, match="grammar"):
        ConstrainedSampler(greedy(), chat.grammar_tokenizer, "start: (")
