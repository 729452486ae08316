"""A connection that drops in the middle of an answer: come back and get what was missed, each event once."""

import asyncio
import json
import sys

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Resuming:
    """Events of one session, over as many sockets as it takes."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self.socket: ClientConnection
        self._token = ""
        self._last = ""

    async def open(self, session: dict) -> None:
        self.socket = await self._connect("?model=streams")
        await self.send("session.update", session={**session, "streams": {"resume": True}})
        while (await self.next())["type"] != "session.updated":
            pass

    async def send(self, kind: str, **fields) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> dict:
        while True:
            try:
                event = json.loads(await self.socket.recv())
            except ConnectionClosed:
                self.socket = await self._connect("?resume=1")
                await self.send("session.resume", token=self._token, after=self._last)
                continue
            if event["type"] == "error":
                raise SystemExit(f"{event['error']['message']} ({event['error']['param']})")
            resume = event.get("session", {}).get("streams", {}).get("resume")
            if resume:
                self._token = resume["token"]  # good once; the next one comes with session.resumed
            self._last = event["event_id"]
            return event

    async def _connect(self, query: str) -> ClientConnection:
        return await connect(self._url + query, additional_headers=self._headers, max_size=None)


async def ask(question: str, url: str = "ws://127.0.0.1:8765/v1/realtime", key: str = "none") -> list[dict]:
    """Every event, though the socket drops when the answer begins."""
    session = Resuming(url, key)
    await session.open({"type": "realtime", "output_modalities": ["text"]})
    content = [{"type": "input_text", "text": question}]
    await session.send(
        "conversation.item.create", item={"type": "message", "role": "user", "content": content}
    )
    await session.send("response.create")
    events: list[dict] = []
    dropped = False
    while not events or events[-1]["type"] != "response.done":
        events.append(await session.next())
        if events[-1]["type"] == "response.output_text.delta":
            print(events[-1]["delta"], end="", flush=True)
            if not dropped:
                session.socket.transport.abort()  # as a lost network would
                dropped = True
    await session.socket.close()
    print()
    return events


if __name__ == "__main__":
    asyncio.run(ask(*sys.argv[1:]))
