"""Video in the compact binary form, what is seen of it, and the moments that an answer draws on."""

import asyncio
import json
import struct
import sys
from pathlib import Path

from websockets.asyncio.client import connect

PICTURE = 2
EVENTS = ["input_video_buffer.seen", "memory.recalled"]


async def watch(
    question: str, *pictures: str, url: str = "ws://127.0.0.1:8765/v1/realtime", key: str = "none"
) -> tuple[list[str], str]:
    """Show ``pictures`` as a film of one a second, then ask; what was seen, and the answer."""
    headers = {"Authorization": f"Bearer {key}"}
    seen: list[str] = []
    async with connect(f"{url}?model=streams", additional_headers=headers, max_size=None) as socket:
        session = {"type": "realtime", "output_modalities": ["text"], "streams": {"events": EVENTS}}
        await socket.send(json.dumps({"type": "session.update", "session": session}))
        for second, picture in enumerate(pictures):
            header = struct.pack(">BQ", PICTURE, second * 1_000_000)
            await socket.send(header + Path(picture).read_bytes())
            while (event := await _next(socket))["type"] != "input_video_buffer.seen":
                pass
            seen.append(event["text"])
            print(f"{event['timestamp_ms']} ms: {event['text']}")
        content = [{"type": "input_text", "text": question}]
        item = {"type": "message", "role": "user", "content": content}
        await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await socket.send(json.dumps({"type": "response.create"}))
        while (event := await _next(socket))["type"] != "response.done":
            if event["type"] == "memory.recalled":
                print("recalled:", [moment["text"] for moment in event["moments"]])
        answer = event["response"]["output"][0]["content"][0]["text"]
        print(answer)
        return seen, answer


async def _next(socket) -> dict:
    event = json.loads(await socket.recv())
    if event["type"] == "error":
        raise SystemExit(f"{event['error']['message']} ({event['error']['param']})")
    return event


if __name__ == "__main__":
    asyncio.run(watch(*sys.argv[1:]))
