"""Be told by itself: a request that stands, pictures as a film of one a second, and what is said of them."""

import asyncio
import base64
import sys
from pathlib import Path

from openai import AsyncOpenAI


async def wait_for(
    request: str, *pictures: str, url: str = "http://127.0.0.1:8765/v1", key: str = "none"
) -> tuple[int, str]:
    """At which millisecond of the film it spoke up, and what it said."""
    client = AsyncOpenAI(base_url=url, api_key=key)
    async with client.realtime.connect(model="streams") as connection:
        own = {"proactive": "alerts", "events": ["session.standing_requests", "input_video_buffer.judged"]}
        session = {"type": "realtime", "output_modalities": ["text"], "streams": own}
        await connection.session.update(session=session)
        await connection.send({"type": "session.standing_request.create", "text": request})
        showing = None
        async for event in connection:
            if event.type == "error":
                raise SystemExit(f"{event.error.message} ({event.error.param})")
            if event.type == "session.standing_requests" and showing is None:
                showing = asyncio.create_task(show(connection, pictures))
            if event.type == "input_video_buffer.judged":
                print(f"{event.timestamp_ms} ms: {event.probability:.2f}")
            unasked = event.type == "response.done" and event.response.metadata
            if unasked and "streams.unasked" in unasked:
                showing.cancel()
                said = event.response.output[0].content[0].text
                print(said)
                return int(unasked["streams.frame_ms"]), said
    raise SystemExit("the connection ended before anything was said")


async def show(connection, pictures: tuple[str, ...]) -> None:
    for second, picture in enumerate(pictures):
        image = base64.b64encode(Path(picture).read_bytes()).decode()
        frame = {"type": "input_video_buffer.append", "image": image, "timestamp_ms": second * 1000}
        await connection.send(frame)
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(wait_for(*sys.argv[1:]))
