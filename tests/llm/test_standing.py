"""Standing requests: before the model at every frame, however long ago they were made, and never twice."""

import numpy as np
import pytest
import torch

from llm.answer import Answer
from llm.question import Question
from llm.reader import Reader
from llm.standing import Standing, in_order
from llm.steps import run
from memory.block import Block, BlockInfo
from streams.config import LlmConfig
from streams.types import US_PER_S, BlockKind

REQUEST = "Tell me when you see a dog."


@pytest.fixture
def stream(lean, chat, new_stream):
    reader = Reader(lean("llama"), chat, LlmConfig(device="cpu"), speak_threshold=0.5)
    return new_stream(reader, window_tokens=60, dialogue_tokens=50)


def stand(stream, request_id="mine", text=REQUEST):
    block = run(stream.take_message(0, "user", text))
    stream.standing.put(request_id, block)
    stream.standing.at_rest = False
    return block


def see(stream, second, names="a cat"):
    return run(stream.watch(stream.see(second * US_PER_S, (second + 1) * US_PER_S, names)))


def talk(stream, seconds=range(10, 16)):
    """So much is said that what was said before leaves the window."""
    for second in seconds:
        run(stream.overhear(second * US_PER_S, second * US_PER_S, "It is nice here."))


def read_after(stream, names, before):
    """The keys of a frame read after ``before`` and nothing else."""
    passage = stream.reader.chat.sight(20 * US_PER_S, names)
    info = BlockInfo(99, BlockKind.FRAME, 0, 0, names, len(passage.ids))
    context = stream.reader.backbone.new_context()
    return run(stream.reader.read(passage, before, context, info)).keys


def test_a_frame_attends_to_a_request_that_has_left_the_window(stream):
    request = stand(stream)
    talk(stream)
    recent = stream.memory.recent()
    assert request.id not in {block.id for block in recent}
    block, urge = see(stream, 20, "a dog")
    expected = read_after(stream, "a dog", [stream.sinks, request, *recent])
    torch.testing.assert_close(block.keys, expected)
    assert 0 < urge < 1


def test_a_request_that_is_in_the_window_is_there_once(stream):
    stand(stream)
    recent = stream.memory.recent()
    block, _ = see(stream, 20, "a dog")
    torch.testing.assert_close(block.keys, read_after(stream, "a dog", [stream.sinks, *recent]))


def test_at_rest_and_without_requests_frames_attend_to_the_window_alone(stream):
    stand(stream)
    talk(stream)
    stream.standing.at_rest = True
    recent = stream.memory.recent()
    block, urge = see(stream, 20, "a dog")
    assert urge is None
    torch.testing.assert_close(block.keys, read_after(stream, "a dog", [stream.sinks, *recent]))
    stream.standing.at_rest = False
    stream.standing.remove("mine")
    stream.standing.remove("never there")
    assert see(stream, 21)[1] is None


def answered(stream, question):
    answer = Answer(stream, question, max_tokens=4)
    run(answer.prepare())
    while answer.step(question.end_us) is not None:
        pass
    return answer


def test_an_unasked_answer_attends_to_the_requests_and_becomes_a_reply(stream):
    request = stand(stream)
    talk(stream)
    see(stream, 20, "a dog")
    at_us = 21 * US_PER_S
    plain = answered(stream, Question("", at_us, at_us))
    unasked = answered(stream, Question("", at_us, at_us, unasked=True))
    assert unasked.context_tokens == plain.context_tokens + request.tokens
    plain.discard()
    kept = unasked.finish(at_us)
    assert kept.question is None
    last = stream.memory.recent()[-1]
    assert (last.id, last.info.kind) == (kept.reply, BlockKind.REPLY)


def test_what_is_recalled_for_a_request_is_not_the_request_again(stream):
    request = stand(stream)
    talk(stream)
    for second in range(20, 30):
        see(stream, second, "a dog")
    at_us = 31 * US_PER_S
    sealed = {info.id for info in stream.memory.sealed()}
    assert request.id in sealed
    stream.memory.config = stream.memory.config.model_copy(update={"recall_blocks": len(sealed)})
    answer = Answer(stream, Question("", at_us, at_us, unasked=True, seeks=REQUEST), max_tokens=1)
    moments = run(answer.prepare())
    attended = {moment.block_id for moment in moments} | {block.id for block in stream.memory.recent()}
    tokens = {info.id: info.tokens for info in stream.memory.sealed()}
    tokens |= {block.id: block.tokens for block in stream.memory.recent()}
    opening = len(stream.reader.chat.ids(stream.reader.chat.reply_prefix))
    expected = stream.sinks.tokens + opening + sum(tokens[id_] for id_ in attended | {request.id})
    assert moments
    assert answer.context_tokens == expected


def test_they_take_their_place_on_the_device(stream):
    before = stream.device_bytes
    request = stand(stream)
    assert stream.device_bytes >= before + 2 * request.nbytes - request.digest.nbytes
    assert stream.standing.nbytes == request.nbytes
    assert "mine" in stream.standing
    assert len(stream.standing) == 1


def test_a_block_is_found_in_the_window_and_out_of_it(stream):
    request = stand(stream)
    assert stream.find(request.id) is request
    talk(stream)
    found = stream.find(request.id)
    assert found.info == request.info
    torch.testing.assert_close(found.keys, request.keys)
    with pytest.raises(KeyError):
        stream.find(999)


def test_blocks_in_order_are_there_once(stream):
    first, second = stand(stream), stand(stream, "other")
    assert in_order([second, first, second]) == [first, second]
    assert Standing().before([second, first]) == [first, second]


def test_who_looks_at_requests_while_one_goes_sees_those_that_stood():
    standing = Standing()

    class Passing:
        """Is let go of while somebody counts."""

        @property
        def nbytes(self):
            standing.remove("first")
            return 1

    standing.put("first", Passing(), general=True)
    standing.put("second", Passing())
    assert standing.nbytes == 2
    assert "first" not in standing


def test_a_request_that_is_read_alone_is_no_part_of_memory(stream):
    said = run(stream.take_message(0, "user", "Hello."))
    block = run(stream.read_alone(US_PER_S, REQUEST))
    assert (block.info.text, block.info.kind) == (REQUEST, BlockKind.UTTERANCE)
    assert list(stream.memory.recent()) == [said]


MEANING = {"dog": [1, 0, 0], "cat": [0, 1, 0], "all": [0, 0, 1]}


def meaning(text):
    return np.array(next(vector for word, vector in MEANING.items() if word in text), np.float32)


@pytest.fixture
def standing():
    """Three requests: for a dog, for a cat, and for whatever is new."""
    standing = Standing()
    for name in ("dog", "cat", "all"):
        info = BlockInfo(1, BlockKind.UTTERANCE, 0, 0, f"Tell me of {name}.", 5)
        standing.put(name, Block(info, torch.empty(0), torch.empty(0), torch.empty(0)), general=name == "all")
    return standing


@pytest.mark.parametrize(
    ("seen", "met"),
    [([2, 1, 0], "dog"), ([0.1, 0.9, 0], "cat"), ([0.1, 0, 9], "all"), (None, "cat")],
)
def test_a_frame_is_about_the_request_that_is_nearest_or_else_a_general_one(standing, seen, met):
    assert standing.nearest(None if seen is None else np.array(seen, np.float16), meaning) == met


def test_a_frame_that_is_near_no_request_meets_none(standing):
    standing.remove("all")
    assert standing.nearest(np.array([0.1, 0.2, 9], np.float16), meaning) is None
    standing.remove("cat")
    assert standing.nearest(np.array([0.1, 0, 9], np.float16), meaning) is None
    assert standing.nearest(np.array([1, 0, 0.2], np.float16), meaning) == "dog"
    assert standing.nearest(np.array([1, 0, 0.2], np.float16), None) == "dog"
    standing.remove("dog")
    assert standing.nearest(None, meaning) is None
