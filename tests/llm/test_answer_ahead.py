from itertools import islice

import pytest

from llm.answer import Answer
from llm.answer_ahead import AnswerAhead
from llm.question import Question
from llm.reader import Reader
from llm.steps import run
from streams.config import LlmConfig
from streams.types import US_PER_S

NOW_US = 100 * US_PER_S
QUESTION = Question("What did you see first?", NOW_US, NOW_US + US_PER_S)
TOKENS = 8


@pytest.fixture
def stream(lean, chat, new_stream):
    settings = LlmConfig(prefill_chunk_tokens=8, repetition_penalty=1.1, device="cpu")
    stream = new_stream(Reader(lean("llama"), chat, settings), window_tokens=40, dialogue_tokens=500)
    for second, names in enumerate(("a cat on a sofa", "an espresso in a white cup", "a rocket")):
        run(stream.see(second * US_PER_S, second * US_PER_S, names))
    return stream


def written(answer):
    moments = run(answer.prepare())
    tokens = []
    while (token := answer.step(NOW_US)) is not None:
        tokens.append(token)
    return moments, tokens, answer.finished_by_model


def handed_over(stream, steps, tokens):
    """An answer that was left off after so many steps ahead."""
    answer = AnswerAhead(stream, QUESTION, max_tokens=TOKENS)
    began = list(islice(answer.prepare_ahead(), steps))
    if len(began) < steps:
        for _ in range(tokens):
            answer.step_ahead(NOW_US)
    return answer


@pytest.mark.parametrize(
    ("steps", "tokens"), [(0, 0), (1, 0), (3, 0), (99, 0), (99, 1), (99, 5), (99, TOKENS)]
)
def test_wherever_it_is_left_off_ahead_the_answer_is_as_if_it_had_not_been_begun(stream, steps, tokens):
    answer = Answer(stream, QUESTION, max_tokens=TOKENS)
    expected = written(answer)
    answer.discard()
    ahead = handed_over(stream, steps, tokens)
    assert written(ahead) == expected
    assert len(ahead.written) == len(expected[1])
    kept = ahead.finish(NOW_US)
    texts = [block.info.text for block in stream.memory.recent()]
    assert None not in (kept.question, kept.reply)
    assert QUESTION.text in texts


@pytest.mark.parametrize(("steps", "tokens"), [(0, 0), (1, 0), (99, 5)])
def test_of_what_is_discarded_nothing_stays(stream, steps, tokens):
    before = [block.info for block in stream.memory.recent()]
    handed_over(stream, steps, tokens).discard()
    assert [block.info for block in stream.memory.recent()] == before
    held = stream.device_bytes
    handed_over(stream, steps, tokens).discard()
    assert stream.device_bytes == held, "its context is used again"
