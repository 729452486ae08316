import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLMatcher

from llm.schema import MAX_SCHEMA_CHARS, arguments_grammar, check_tools
from streams.conversation import Tool
from streams.errors import InvalidRequestError


def tool(name="f", description="", **schema):
    return Tool(name, description, json.dumps(schema))


def refused(*tools):
    with pytest.raises(InvalidRequestError) as caught:
        check_tools(tools)
    return caught.value


def test_schemas_of_every_day_are_taken():
    check_tools(
        [
            tool("a"),
            tool("b", type="object"),
            tool("c", type="object", properties={"city": {"type": "string", "description": "A city"}}),
            tool("d", type="object", properties={"n": {"type": "integer", "minimum": 1, "maximum": 9}}),
            tool("e", properties={"at": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, required=["at"]),
            tool("f", properties={"all": {"type": "array", "items": {"enum": ["x", "y"]}, "maxItems": 3}}),
            tool("g", properties={"one": {"$ref": "#/$defs/one"}}, **{"$defs": {"one": {"type": "boolean"}}}),
        ]
    )


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array"}, "an object"),
        ({"type": ["object", "null"]}, "an object"),
        ({"type": "object", "not": {"required": ["x"]}}, "not"),
        ({"properties": {"a": {"$ref": "https://example.com/schema"}}}, "example.com"),
        ({"properties": {"a": {"type": "colour"}}}, "colour"),
        ({"properties": {"a": {"type": "string", "pattern": "(?=x)"}}}, "look-around"),
        ({"properties": {"a": False}, "required": ["a"]}, "'a'"),
        ({"properties": 3}, ""),
    ],
)
def test_what_cannot_be_written_is_refused_by_its_place(schema, said):
    error = refused(tool("fine"), tool("wrong", **schema))
    assert error.param == "tools[1].parameters"
    assert said in error.message
    assert "\n" not in error.message


def test_tools_are_bounded():
    assert refused(tool("f"), tool("f")).param == "tools[1].name"
    long = tool("f", properties={"a": {"description": "x" * MAX_SCHEMA_CHARS}})
    assert refused(long).param == "tools[0].parameters"
    assert refused(*(tool(f"f{n}", "x" * 4_000) for n in range(20))).param == "tools"


@pytest.fixture
def writes(chat):
    """Whether a model may write ``arguments`` (Python, or text) by a schema."""

    def may(arguments, **schema):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        matcher = LLMatcher(chat.grammar_tokenizer, arguments_grammar(json.dumps(schema)))
        assert not matcher.is_error(), matcher.get_error()
        ids = chat.ids(f" {text}")
        return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()

    return may


def test_arguments_are_laid_out_in_one_way(writes):
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a", "b"]}
    assert writes({"a": 1, "b": "x"}, **schema)
    assert not writes('{"a":1,"b":"x"}', **schema)
    assert not writes('{\n"a": 1, "b": "x"}', **schema)
    assert not writes({"a": 1}, **schema)
    assert not writes({"a": "1", "b": "x"}, **schema)


def test_names_that_nobody_told_are_not_made_up(writes):
    inner = {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "integer"}}}}
    schema = {"properties": {"a": inner}}
    assert writes({"a": [{"b": 1}, {}]}, **schema)
    assert not writes({"a": [], "c": 1}, **schema)
    assert not writes({"a": [{"c": 1}]}, **schema)
    assert writes({})
    assert not writes({"c": 1})


def test_a_schema_that_says_what_else_there_may_be_is_left_as_it_is(writes):
    assert writes({"c": "x"}, additionalProperties={"type": "string"})
    parts = [
        {"type": "object", "properties": {name: {"type": "integer"}}, "required": [name]} for name in "ab"
    ]
    assert writes({"a": 1, "b": 2}, allOf=parts)
    assert writes({"a": {"c": 1}}, properties={"a": {"type": "object"}})


WORDS = ["type", "properties", "items", "required", "enum", "anyOf", "const", "object", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(WORDS), JSON))
def test_any_object_is_taken_or_refused_by_its_place(schema):
    place = None
    try:
        check_tools([tool(**schema)])
    except InvalidRequestError as error:
        place = error.param
    assert place in (None, "tools[0].parameters")
