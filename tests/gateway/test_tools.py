"""Function calls on the embedded models, as the stock ``openai`` client sees them."""

import asyncio
import json

import pytest
from jsonschema import Draft202012Validator

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather and temperature in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
LIGHT = {
    "type": "function",
    "name": "switch_light",
    "description": "Turn the light in a room on or off",
    "parameters": {
        "type": "object",
        "properties": {"room": {"enum": ["kitchen", "bedroom"]}, "state": {"enum": ["on", "off"]}},
        "required": ["room", "state"],
    },
}
SCHEMAS = {tool["name"]: tool["parameters"] for tool in (WEATHER, LIGHT)}


def call_in(events):
    """The one function call of a response, which is checked in all its events."""
    (call,) = events[-1].response.output
    assert (call.type, call.status, events[-1].response.status) == ("function_call", "completed", "completed")
    deltas = [event for event in events if event.type == "response.function_call_arguments.delta"]
    (done,) = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert "".join(event.delta for event in deltas) == done.arguments == call.arguments
    assert len(deltas) > 1
    assert {event.call_id for event in (*deltas, done)} == {call.call_id}
    assert {event.item_id for event in (*deltas, done)} == {call.id}
    assert not [event for event in events if "audio" in event.type or "text" in event.type]
    Draft202012Validator(SCHEMAS[call.name]).validate(json.loads(call.arguments))
    return call


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("required", None),
        ({"type": "function", "name": "switch_light"}, "switch_light"),
        ("auto", "get_weather"),
    ],
    ids=["required", "named", "auto"],
)
def test_a_call_streams_arguments_that_are_valid_and_its_result_is_answered(talking, choice, name):
    async def scenario():
        async with talking(tools=[WEATHER, LIGHT], tool_choice=choice) as talk:
            call = call_in(await talk.ask("What is the weather like in Paris?"))
            assert name is None or call.name == name
            if call.name == "get_weather":
                assert json.loads(call.arguments) == {"city": "Paris"}
            output = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees, snow"}
            await talk.connection.conversation.item.create(item=output)
            answer = (await talk.response(tool_choice="auto", output_modalities=["text"]))[-1].response
            (message,) = answer.output
            assert message.type == "message"
            assert "21" in message.content[0].text or "snow" in message.content[0].text.lower()
            await talk.connection.conversation.item.retrieve(item_id=call.id)
            (found,) = [e for e in await talk.until("conversation.item.retrieved") if hasattr(e, "item")][-1:]
            assert (found.item.call_id, found.item.arguments) == (call.call_id, call.arguments)

    asyncio.run(scenario())


def test_what_is_no_matter_of_a_tool_is_answered_in_words(talking):
    async def scenario():
        async with talking(tools=[LIGHT], output_modalities=["text"]) as talk:
            answer = (await talk.ask("What is the capital of France?"))[-1].response
            assert answer.output[0].type == "message"
            assert "Paris" in answer.output[0].content[0].text
            none = await talk.ask("Turn on the light in the kitchen.", tool_choice="none")
            assert none[-1].response.output[0].type == "message"
            call = call_in(await talk.ask("Turn on the light in the kitchen."))
            assert json.loads(call.arguments) == {"room": "kitchen", "state": "on"}

    asyncio.run(scenario())


def test_a_response_may_have_tools_of_its_own(talking):
    async def scenario():
        async with talking() as talk:
            call = call_in(await talk.ask("How warm is it in Oslo?", tools=[WEATHER], tool_choice="required"))
            assert call.name == "get_weather"
            await talk.say("Hello!")
            answer = (await talk.response(output_modalities=["text"]))[-1].response
            assert answer.output[0].type == "message"

    asyncio.run(scenario())


def test_a_call_that_is_cut_off_is_incomplete_and_forgotten(talking):
    async def scenario():
        async with talking(tools=[WEATHER], tool_choice="required", max_output_tokens=3) as talk:
            response = (await talk.ask("How warm is it in Paris?"))[-1].response
            assert (response.status, response.status_details.reason) == ("incomplete", "max_output_tokens")
            assert response.output[0].status == "incomplete"

    asyncio.run(scenario())


NEVER = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}
WRONG = [
    ({"tools": [WEATHER, {**LIGHT, "parameters": NEVER}]}, "tools[1].parameters"),
    ({"tools": [WEATHER, WEATHER]}, "tools[1].name"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "fly"}}, "tool_choice.name"),
]


def test_tools_that_cannot_be_called_are_refused_by_the_name_of_their_field(talking):
    async def scenario():
        async with talking(output_modalities=["text"]) as talk:
            for given, param in WRONG:
                await talk.connection.session.update(session={"type": "realtime", **given})
                assert (await talk.until("error"))[-1].error.param == f"session.{param}"
                await talk.connection.response.create(response=given)
                assert (await talk.until("error"))[-1].error.param == f"response.{param}"
            await talk.connection.session.update(session={"type": "realtime"})
            (updated,) = await talk.until("session.updated")
            assert (updated.session.tools, updated.session.tool_choice) == ([], "auto")
            assert (await talk.ask("Hello!"))[-1].response.status == "completed"

    asyncio.run(scenario())
