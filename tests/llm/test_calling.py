"""Calls are valid whatever the model; which function is called, and whether one is."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llm.answer import Answer
from llm.calling import CALL_SIMILARITY, Calling
from llm.passage import Passage
from llm.question import Question
from llm.reader import Reader
from llm.steps import run
from streams.config import LlmConfig
from streams.conversation import Tool
from streams.types import US_PER_S, BlockKind

NOW_US = 9 * US_PER_S
CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"]}
WEATHER = Tool("get_weather", "Get the weather in a city", json.dumps(CITY))
ON = {"type": "object", "properties": {"on": {"type": "boolean"}}}
LIGHT = Tool("switch_light", "Turn the light in a room on or off", json.dumps(ON))
STOP = Tool("stop", "", "{}")

LEAVES = st.sampled_from(
    [
        {"type": "boolean"},
        {"type": "null"},
        {"type": "integer", "minimum": -5, "maximum": 400},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "maxLength": 6},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": "^[a-c]{2,4}$"},
        {"enum": ["on", "off", 3, None, 'a "quoted" é']},
        {"const": {"deep": [1, 2]}},
        {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": 9}]},
    ]
)
NAMES = st.sampled_from(["city", "n", "on", "x y", "naïve", "a_rather_long_name_of_an_argument"])


def objects(values):
    return st.dictionaries(NAMES, values, max_size=3).flatmap(
        lambda properties: (
            st.lists(st.sampled_from(sorted(properties)), unique=True).map(
                lambda required: {"type": "object", "properties": properties, "required": required}
            )
            if properties
            else st.just({"type": "object", "properties": {}})
        )
    )


def lists(values):
    return values.map(lambda items: {"type": "array", "items": items, "maxItems": 2})


SCHEMAS = objects(st.recursive(LEAVES, lambda inner: objects(inner) | lists(inner), max_leaves=4))


@pytest.fixture(scope="module")
def reader(lean, chat):
    return Reader(lean("llama"), chat, LlmConfig(device="cpu", temperature=1.5))


@pytest.fixture
def stream(new_stream, reader):
    return new_stream(reader)


def ask(stream, *tools, text="How warm is it in Paris?", **options):
    options = {"max_tokens": 600, "must_call": True} | options
    return Answer(stream, Question(text, NOW_US, NOW_US), tools=tools, **options)


def write(answer):
    """The arguments that are written."""
    run(answer.prepare())
    while answer.step(NOW_US) is not None:
        pass
    return "".join(token.text for token in answer.written)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(SCHEMAS)
def test_arguments_are_valid_whatever_the_model_and_the_schema(stream, schema):
    answer = ask(stream, Tool("f", "", json.dumps(schema)))
    arguments = write(answer)
    answer.finish(NOW_US)
    assert answer.finished_by_model
    assert answer.call.name == "f"
    Draft202012Validator(schema).validate(json.loads(arguments))


def test_a_call_is_remembered_as_it_stands_in_the_chat(stream, reader, chat):
    answer = ask(stream, WEATHER)
    arguments = write(answer).strip()
    kept = answer.finish(NOW_US)
    question, call = stream.memory.recent()
    assert (question.id, call.id) == (kept.question, kept.reply)
    assert (call.info.kind, call.info.text) == (BlockKind.REPLY, f"get_weather {arguments}")
    # Its keys and values are those of the call read anew.
    told = [*chat.ids(chat.reply_prefix), *chat.ids(chat.calls.opening("get_weather"))]
    told += [token.id for token in answer.written]
    told += chat.ids(f"{chat.calls.end}{chat.reply_suffix}")
    context = reader.backbone.new_context()
    reader.assemble(context, [reader.sinks("Be brief.", (WEATHER,)), question], len(told))
    run(reader.prefill([Passage.of(told)], context))
    keys, values = context.appended_keys_values(0, len(told))
    torch.testing.assert_close(call.keys, keys, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(call.values, values, rtol=1e-4, atol=1e-4)


def test_half_a_call_is_none(stream):
    answer = ask(stream, WEATHER, max_tokens=3)
    with pytest.raises(json.JSONDecodeError):
        json.loads(write(answer))
    assert not answer.finished_by_model
    kept = answer.finish(NOW_US)
    assert kept.reply is None
    assert [block.id for block in stream.memory.recent()] == [kept.question]


def test_a_call_of_just_as_many_tokens_as_it_may_have_is_complete(stream):
    only = Tool("f", "", '{"type": "object", "properties": {"a": {"const": "this"}}, "required": ["a"]}')
    length = len(ask_all(stream, only).written)
    assert ask_all(stream, only, max_tokens=length).finished_by_model
    assert not ask_all(stream, only, max_tokens=length - 1).finished_by_model


def ask_all(stream, *tools, **options):
    answer = ask(stream, *tools, **options)
    write(answer)
    answer.finish(NOW_US)
    return answer


def test_what_the_schema_decides_is_not_computed(stream, reader, monkeypatch):
    only = {"type": "object", "properties": {"a": {"const": "the one value"}}, "required": ["a"]}
    answer = ask(stream, Tool("f", "", json.dumps(only)))
    run(answer.prepare())
    passes = []
    forward = type(reader.backbone).forward
    monkeypatch.setattr(
        type(reader.backbone),
        "forward",
        lambda *given, **options: passes.append(1) or forward(*given, **options),
    )
    while answer.step(NOW_US) is not None:
        pass
    assert len(answer.written) > 3
    assert passes == []


def choose(reader, tools, question="", *, must_call=False, first=None):
    """What is chosen when the model's first token would be that of ``first``."""
    context = reader.backbone.new_context()
    calling = Calling(reader, tools, must_call)
    context.assemble([], 8 + calling.room)
    run(reader.prefill([Passage.of(reader.chat.ids("Hello."))], context))
    logits = torch.zeros(reader.backbone.spec.vocab)
    if first is not None:
        logits[reader.chat.ids(first)[0]] = 1
    before = context.appended
    chosen = run(calling.choose(question, logits, context))
    assert context.appended == before
    return chosen


def test_nothing_is_called_where_nothing_can_be(reader):
    assert choose(reader, (), "How warm is it?") is None


@pytest.mark.parametrize("tools", [(STOP,), (WEATHER, LIGHT, STOP)])
def test_a_call_that_must_be_is_of_one_of_the_tools(reader, tools):
    assert choose(reader, tools, must_call=True) in tools


def test_a_model_that_knows_functions_decides_itself(lean, native):
    reader = Reader(lean("llama"), native, LlmConfig(device="cpu"), embedder=Words())
    assert choose(reader, (WEATHER, LIGHT), "Get the weather in a city", first="Hello") is None
    assert choose(reader, (WEATHER, LIGHT), first="<call>") in (WEATHER, LIGHT)


class Words:
    """Texts are as near to each other as they share words."""

    name, dim = "words", 64

    def embed(self, texts):
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.lower().replace(".", "").replace("?", "").split():
                vector[sum(word.encode()) % self.dim] += 1
            vector /= max(np.linalg.norm(vector), 1e-9)
        return vectors


@pytest.mark.parametrize(
    ("question", "chosen"),
    [
        ("What is the weather in this city?", WEATHER),
        ("Turn the light off.", LIGHT),
        ("stop", STOP),
        ("Good morning!", None),
    ],
)
def test_a_model_that_does_not_is_told_by_what_the_question_means(lean, chat, question, chosen):
    reader = Reader(lean("llama"), chat, LlmConfig(device="cpu"), embedder=Words())
    tools = (WEATHER, LIGHT, STOP)
    assert choose(reader, tools, question, first="{") == chosen
    nearest = choose(reader, tools, question, must_call=True)
    assert nearest == (chosen or nearest)
    assert 0 < CALL_SIMILARITY < 1
