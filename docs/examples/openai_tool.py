"""A function that the model may call: it asks, this program answers, and it speaks of what came back."""

import asyncio
import json
import sys

from openai import AsyncOpenAI

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Tell the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def get_weather(city: str) -> str:
    return f"It is raining in {city}."


async def ask(
    question: str, url: str = "http://127.0.0.1:8765/v1", key: str = "none"
) -> tuple[list[str], str]:
    """The cities that were asked for, and the answer."""
    client = AsyncOpenAI(base_url=url, api_key=key)
    cities: list[str] = []
    async with client.realtime.connect(model="streams") as connection:
        session = {"type": "realtime", "output_modalities": ["text"], "tools": [WEATHER]}
        session["instructions"] = "You are a helpful host."
        await connection.session.update(session=session)
        content = [{"type": "input_text", "text": question}]
        item = {"type": "message", "role": "user", "content": content}
        await connection.conversation.item.create(item=item)
        await connection.response.create()
        async for event in connection:
            if event.type == "error":
                raise SystemExit(f"{event.error.message} ({event.error.param})")
            if event.type != "response.done":
                continue
            calls = [item for item in event.response.output if item.type == "function_call"]
            if not calls:
                answer = event.response.output[0].content[0].text
                print(answer)
                return cities, answer
            for call in calls:
                cities.append(json.loads(call.arguments)["city"])
                print(f"{call.name}({call.arguments})")
                result = {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": get_weather(cities[-1]),
                }
                await connection.conversation.item.create(item=result)
            await connection.response.create()
    raise SystemExit("the connection ended before the answer")


if __name__ == "__main__":
    asyncio.run(ask(*sys.argv[1:]))
