"""Show a picture (JPEG, PNG or WebP) and ask about it."""

import asyncio
import base64
import sys
from pathlib import Path

from openai import AsyncOpenAI


async def ask(picture: str, question: str, url: str = "http://127.0.0.1:8765/v1", key: str = "none") -> str:
    data = base64.b64encode(Path(picture).read_bytes()).decode()
    content = [
        {"type": "input_image", "image_url": f"data:image/{Path(picture).suffix[1:]};base64,{data}"},
        {"type": "input_text", "text": question},
    ]
    client = AsyncOpenAI(base_url=url, api_key=key)
    async with client.realtime.connect(model="streams") as connection:
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        item = {"type": "message", "role": "user", "content": content}
        await connection.conversation.item.create(item=item)
        await connection.response.create()
        async for event in connection:
            if event.type == "error":
                raise SystemExit(f"{event.error.message} ({event.error.param})")
            if event.type == "response.done":
                answer = event.response.output[0].content[0].text
                print(answer)
                return answer
    raise SystemExit("the connection ended before the answer")


if __name__ == "__main__":
    asyncio.run(ask(*sys.argv[1:]))
