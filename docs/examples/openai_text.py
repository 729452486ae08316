"""Ask in writing, read the answer as it is written."""

import asyncio
import sys

from openai import AsyncOpenAI


async def ask(question: str, url: str = "http://127.0.0.1:8765/v1", key: str = "none") -> str:
    client = AsyncOpenAI(base_url=url, api_key=key)
    answer = ""
    async with client.realtime.connect(model="streams") as connection:
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        content = [{"type": "input_text", "text": question}]
        item = {"type": "message", "role": "user", "content": content}
        await connection.conversation.item.create(item=item)
        await connection.response.create()
        async for event in connection:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
                answer += event.delta
            elif event.type == "error":
                raise SystemExit(f"{event.error.message} ({event.error.param})")
            elif event.type == "response.done":
                break
    print()
    return answer


if __name__ == "__main__":
    asyncio.run(ask(*sys.argv[1:]))
