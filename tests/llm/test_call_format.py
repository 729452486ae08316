import copy
import json

import pytest

from llm.call_format import CallFormat, plain_description
from llm.chat import ChatFormat
from streams.conversation import Tool
from streams.errors import InvalidRequestError

WEATHER = Tool(
    "get_weather",
    "Get the weather",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name of a city"},
                "unit": {"enum": ["C", "F"]},
            },
        }
    ),
)


def decoded(chat, passage):
    return chat.tokenizer.decode(list(passage.ids))


def test_a_template_that_knows_no_functions_gets_them_in_words(chat):
    assert chat.calls == CallFormat()
    told = decoded(chat, chat.instructions("Be brief.", [WEATHER]))
    signature = '- get_weather(city: string (Name of a city), unit: "C"|"F"): Get the weather'
    assert told.startswith(f"{chat.system_prefix}Be brief.\n\n")
    assert signature in told.splitlines()
    assert told.endswith(chat.system_suffix)
    assert (
        decoded(chat, chat.instructions("Be brief.")) == f"{chat.system_prefix}Be brief.{chat.system_suffix}"
    )
    assert decoded(chat, chat.instructions("", [WEATHER])).startswith(f"{chat.system_prefix}You can")


@pytest.mark.parametrize("schema", ["{}", '{"properties": {}}'])
def test_a_tool_needs_neither_arguments_nor_description(schema):
    assert "- stop()" in plain_description([Tool("stop", "", schema)]).splitlines()


def test_a_template_that_knows_functions_is_followed(native):
    assert native.calls == CallFormat(
        '<call>\n{"name": "',
        '", "arguments":',
        "}\n</call>",
        "<|im_start|>user\n<result>\n",
        "\n</result><|im_end|>\n",
        native=True,
    )
    told = decoded(native, native.instructions("Be brief.", [WEATHER]))
    assert told.startswith("<|im_start|>system\nBe brief.")
    schema = json.loads(told[told.index("<tool>") + len("<tool>") : told.index("</tool>")])
    assert schema["function"] == {
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": json.loads(WEATHER.parameters),
    }


def test_a_conversation_with_a_call_in_pieces_is_the_template_of_the_whole(native):
    arguments = {"city": "Paris"}
    function = {"name": "get_weather", "arguments": arguments}
    whole = native.tokenizer.apply_chat_template(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How warm is it?"},
            {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": function}]},
            {"role": "tool", "name": "get_weather", "content": "21 degrees"},
        ],
        tokenize=False,
        add_generation_prompt=True,
    )
    output = decoded(native, native.output(0, "21 degrees"))
    pieces = [
        decoded(native, native.instructions("Be brief.")),
        f"{native.user_prefix}How warm is it?{native.user_suffix}",
        decoded(native, native.call("get_weather", json.dumps(arguments))),
        output.removeprefix("[00:00]\n"),
        native.reply_prefix,
    ]
    assert "".join(pieces) == whole


@pytest.mark.parametrize("mark", ["<|im_end|>", "<file_sep>", "\u241e"])
def test_a_tool_with_a_chat_mark_is_refused_where_the_template_would_take_it_for_one(mark, chat, native):
    forged = Tool("f", "", json.dumps({"properties": {"a": {"description": f"x{mark}y"}}}))
    with pytest.raises(InvalidRequestError) as caught:
        native.check_tools([WEATHER, forged])
    assert caught.value.param == "tools[1]"
    chat.check_tools([forged])
    passage = chat.instructions("Be brief.", [forged])
    closing = chat.ids(chat.system_suffix)[0]
    assert passage.ids.count(closing) == 1


def test_templates_that_change_what_they_are_given_are_not_followed(native):
    template = native.tokenizer.chat_template
    for spoilt in (
        template.replace("{{ call.function.name }}", "{{ call.function.name | upper }}"),
        template.replace("message.content }}\n</result>", "message.content | length }}\n</result>"),
        template.replace("{{ tool | tojson }}", ""),
        template.replace("{% for call in", "{{ raise_exception('no calls') }}{% for call in"),
    ):
        tokenizer = copy.deepcopy(native.tokenizer)
        tokenizer.chat_template = spoilt
        assert ChatFormat(tokenizer).calls == CallFormat()
