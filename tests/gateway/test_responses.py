"""Responses beside the conversation, and with an input of their own, as the stock client sees them."""

import asyncio

import pytest


def said(*texts, role="user"):
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text} for text in texts]
    return {"type": "message", "role": role, "content": content}


def words_of(response):
    (item,) = response.output
    return item.content[0].text


def test_responses_out_of_band_run_beside_the_conversations(talking):
    async def scenario():
        async with talking(output_modalities=["text"], max_output_tokens=400) as talk:
            connection = talk.connection
            await talk.say("Tell me a long story about a king.")
            await connection.response.create()
            events = await talk.until("response.output_text.delta")
            story = events[-1].response_id
            beside = {"conversation": "none", "max_output_tokens": 8, "metadata": {"topic": "France"}}
            asked = said("What is the capital of France?")
            await connection.response.create(response={**beside, "input": [asked]})
            first = await talk.until("response.done")
            events += first
            answer = first[-1].response
            assert answer.id != story
            assert (answer.conversation_id, answer.metadata) == (None, {"topic": "France"})
            assert "Paris" in words_of(answer)
            await connection.response.cancel(response_id=story)
            events += await talk.until("response.done")
            assert (events[-1].response.id, events[-1].response.status) == (story, "cancelled")
            of_beside = [event for event in events if getattr(event, "response_id", None) == answer.id]
            assert [event.type for event in of_beside][-1] == "response.output_item.done"
            added = [event.item.id for event in events if event.type == "conversation.item.added"]
            assert answer.output[0].id not in added
            await connection.conversation.item.retrieve(item_id=answer.output[0].id)
            assert (await talk.until("error"))[-1].error.code == "item_not_found"

    asyncio.run(scenario())


def test_one_out_of_band_is_cancelled_by_its_id_and_the_conversations_goes_on(talking):
    async def scenario():
        async with talking(output_modalities=["text"]) as talk:
            story = {"conversation": "none", "input": [said("Tell me a long story about a king.")]}
            await talk.connection.response.create(response=story)
            beside = (await talk.until("response.output_text.delta"))[0].response.id
            await talk.connection.response.cancel()
            assert (await talk.until("error"))[-1].error.code == "response_cancel_not_active"
            await talk.say("What is the capital of France?")
            await talk.connection.response.create()
            await talk.connection.response.cancel(response_id=beside)
            done = [(await talk.until("response.done"))[-1].response for _ in range(2)]
            by_id = {response.id: response for response in done}
            assert by_id.pop(beside).status == "cancelled"
            (answer,) = by_id.values()
            assert answer.status == "completed"
            assert "Paris" in words_of(answer)

    asyncio.run(scenario())


def test_a_response_is_answered_from_its_input_alone_and_remembers_none_of_it(talking):
    async def scenario():
        async with talking(output_modalities=["text"]) as talk:
            await talk.say("My name is Zebulon.")
            dog = {**said("My dog is called Waldo."), "id": "item_dog"}
            await talk.connection.conversation.item.create(item=dog)

            async def context_tokens(**options):
                events = await talk.response(conversation="none", max_output_tokens=1, **options)
                return events[-1].response.usage.input_tokens

            bare, whole = await context_tokens(input=[]), await context_tokens()
            assert bare < whole
            given = [{"type": "item_reference", "id": "item_dog"}, said("What is my dog called?")]
            answer = (await talk.response(input=given, conversation="none"))[-1].response
            assert "Waldo" in words_of(answer)
            assert bare < answer.usage.input_tokens
            assert (await context_tokens(input=[]), await context_tokens()) == (bare, whole)

    asyncio.run(scenario())


@pytest.mark.parametrize("conversation", ["auto", "none"])
def test_what_a_function_gave_may_be_given(talking, conversation):
    async def scenario():
        async with talking(output_modalities=["text"]) as talk:
            call = {"type": "function_call", "name": "get_weather", "arguments": '{"city": "Oslo"}'}
            given = [
                said("What is the weather like in Oslo?"),
                {**call, "call_id": "call_1"},
                {"type": "function_call_output", "call_id": "call_1", "output": "3 degrees, fog"},
            ]
            answer = (await talk.response(input=given, conversation=conversation))[-1].response
            assert "fog" in words_of(answer) or "3" in words_of(answer)
            await talk.connection.conversation.item.retrieve(item_id=answer.output[0].id)
            kind = "conversation.item.retrieved" if conversation == "auto" else "error"
            assert (await talk.until(kind))[-1].type == kind

    asyncio.run(scenario())


def test_a_picture_in_an_input_is_named(talking, photograph):
    async def scenario():
        async with talking(output_modalities=["text"]) as talk:
            url = f"data:image/png;base64,{photograph('coffee.png')}"
            content = [
                {"type": "input_image", "image_url": url},
                {"type": "input_text", "text": "What do you see now?"},
            ]
            given = [{"type": "message", "role": "user", "content": content}]
            answer = (await talk.response(input=given, conversation="none"))[-1].response
            text = words_of(answer).lower()
            assert "coffee" in text or "espresso" in text

    asyncio.run(scenario())


def test_an_input_that_is_not_there_is_refused_by_its_place(talking):
    async def scenario():
        async with talking(output_modalities=["text"]) as talk:
            reference = {"type": "item_reference", "id": "item_none"}
            output = {"type": "function_call_output", "call_id": "call_none", "output": "3"}
            for item, param in ((reference, "id"), (output, "call_id")):
                await talk.connection.response.create(response={"input": [said("Hello."), item]})
                error = (await talk.until("error"))[-1].error
                assert (error.code, error.param) == ("item_not_found", f"response.input[1].{param}")
            assert (await talk.ask("Hello!"))[-1].response.status == "completed"

    asyncio.run(scenario())
