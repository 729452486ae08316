"""Likelihoods of given answers, held against one plain forward pass of the unmodified Transformers model."""

import pytest
import torch

from llm.answer import Answer
from llm.question import Question
from llm.reader import Reader
from llm.scoring import ScoredAnswer
from llm.steps import run
from streams.config import LlmConfig
from streams.errors import InvalidRequestError
from streams.types import US_PER_S

TOLERANCE = 1e-3
NOW_US = 9 * US_PER_S
SEEN = ("a cat on a sofa", "an espresso in a white cup")
QUESTION = "What was in the cup?"
CHOICES = ("coffee", "An espresso.", "a cat that sat on the sofa", "B")


@pytest.fixture(params=["lean", "hooked"])
def new_reader(request, chat):
    load = request.getfixturevalue(request.param)

    def new(name="llama"):
        return Reader(load(name), chat, LlmConfig(repetition_penalty=1.0, device="cpu"))

    return new


def told(reader, new_stream):
    """A stream that has seen what there is, all of it in the window."""
    stream = new_stream(reader, window_tokens=500, dialogue_tokens=500)
    for second, names in enumerate(SEEN):
        run(stream.see(second * US_PER_S, second * US_PER_S, names))
    return stream


def prepared(stream, kind=ScoredAnswer, max_tokens=12):
    answer = kind(stream, Question(QUESTION, NOW_US, NOW_US), max_tokens=max_tokens, remember=False)
    run(answer.prepare())
    return answer


def write(answer):
    while answer.step(NOW_US) is not None:
        pass
    return [token.id for token in answer.written]


@pytest.mark.parametrize("name", ["llama", "smollm2"])
def test_it_is_what_one_plain_pass_over_the_whole_text_gives(name, new_reader, new_stream, stock, chat):
    found = prepared(told(new_reader(name), new_stream)).weigh(CHOICES)
    text = list(chat.instructions("Be brief.").ids)
    for second, names in enumerate(SEEN):
        text += chat.sight(second * US_PER_S, names).ids
    text += [*chat.question(NOW_US, QUESTION).ids, *chat.ids(chat.reply_prefix)]
    for choice, likelihood in zip(CHOICES, found, strict=True):
        ids = chat.ids(choice)
        with torch.inference_mode():
            scores = stock(name)(torch.tensor([[*text, *ids]])).logits[0].log_softmax(-1)
        total = sum(float(scores[len(text) - 1 + place, token]) for place, token in enumerate(ids))
        assert likelihood.tokens == len(ids)
        assert likelihood.total == pytest.approx(total, abs=TOLERANCE)
        assert likelihood.mean == pytest.approx(total / len(ids), abs=TOLERANCE)


def test_weighing_changes_nothing(new_reader, new_stream):
    stream = told(new_reader(), new_stream)
    plain = write(prepared(stream, Answer))
    answer = prepared(stream)
    first = answer.weigh(CHOICES)
    assert answer.weigh(CHOICES[::-1]) == first[::-1]
    assert write(answer) == plain


def test_what_the_model_writes_is_the_likeliest_by_its_own_account(new_reader, new_stream, chat):
    stream = told(new_reader("smollm2"), new_stream)
    written = chat.text(write(prepared(stream, Answer)))
    best, *others = prepared(stream).weigh([written, *CHOICES])
    assert all(best.mean > other.mean for other in others)


@pytest.mark.parametrize("text", ["", "one two three four five six seven"])
def test_an_answer_that_cannot_be_is_refused(text, new_reader, new_stream):
    answer = prepared(told(new_reader(), new_stream), max_tokens=4)
    with pytest.raises(InvalidRequestError, match="an answer has 1 to 4") as refused:
        answer.weigh(["fine", text])
    assert refused.value.param == "choices"
