"""A fuzzer's connection: sends anything, and knows which events answer what it sent."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from streams.bench.fuzz_corpus import Message
from streams.client import ServerEvent

HANG_S = 60.0
"""Nothing takes so long but what hangs."""

QUESTION = "What is the capital of France?"


class HangError(Exception):
    """The server did not answer in time."""


class FuzzClient:
    """Requests are carried out in the order they came, so what comes before the answer to a marker
    was caused by what went before it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._markers = 0
        self.responses: dict[str, dict[str, Any]] = {}
        """Every response as it was last told of."""
        self.created: set[str] = set()
        """The ``fuzz`` names in the metadata of responses that were created."""

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator[FuzzClient]:
        socket = await connect(url, compression=None, max_size=None, ping_interval=None)
        try:
            client = cls(socket)
            await client.until("session.created")
            yield client
        finally:
            if socket.state is not State.CLOSED:
                await socket.close()

    async def exchange(self, payload: str | bytes) -> list[ServerEvent]:
        """Send ``payload``; all that came until the server was ready for the next request.

        Raises HangError, and ConnectionClosed.
        """
        self._markers += 1
        marker = f"marker_{self._markers}"
        await self._socket.send(payload)
        await self.send({"type": "conversation.item.retrieve", "item_id": "no_such_item", "event_id": marker})
        events: list[ServerEvent] = []
        while True:
            event = await self._receive()
            if event["type"] == "error" and event["error"]["event_id"] == marker:
                return events
            events.append(event)

    async def send(self, message: Message) -> None:
        await self._socket.send(json.dumps(message))

    async def until(self, kind: str) -> ServerEvent:
        while (event := await self._receive())["type"] != kind:
            pass
        return event

    async def _receive(self) -> ServerEvent:
        try:
            async with asyncio.timeout(HANG_S):
                event: ServerEvent = json.loads(await self._socket.recv())
        except TimeoutError:
            raise HangError(f"no answer for {HANG_S:g} s") from None
        if event["type"] in ("response.created", "response.done"):
            response = event["response"]
            self.responses[response["id"]] = response
            self.created.add((response["metadata"] or {}).get("fuzz", ""))
        return event

    async def ask(self) -> dict[str, Any]:
        """Put what goes on to an end and ask a question; the response as it ended."""
        quiet = {"input": {"turn_detection": None}}
        session: Message = {"type": "realtime", "output_modalities": ["text"], "audio": quiet}
        session |= {"instructions": None, "tools": [], "tool_choice": "auto"}
        await self.exchange(json.dumps({"type": "session.update", "session": session}))
        await self.exchange(json.dumps({"type": "input_audio_buffer.clear"}))
        content = [{"type": "input_text", "text": QUESTION}]
        item = {"type": "message", "role": "user", "content": content}
        await self.exchange(json.dumps({"type": "conversation.item.create", "item": item}))
        wanted = {"metadata": {"fuzz": "question"}, "max_output_tokens": 16}
        create = json.dumps({"type": "response.create", "response": wanted})
        while errors := [each for each in await self.exchange(create) if each["type"] == "error"]:
            if errors[0]["error"]["code"] != "conversation_already_has_active_response":
                return {"status": "refused", "error": errors[0]["error"]}
            await self.exchange(json.dumps({"type": "response.cancel"}))
        while True:
            done = await self.until("response.done")
            if (done["response"]["metadata"] or {}).get("fuzz") == "question":
                response: dict[str, Any] = done["response"]
                return response

    async def leave(self, rng: random.Random, max_message_bytes: int) -> str | None:
        """End the connection in one of the ways clients do; a complaint when the server ends it otherwise."""
        ways: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (1000, self._close),
            (1006, self._break_off),
            (1007, lambda: self._socket.send(b'{"type": "\xff\xfe', text=True)),
            (1009, lambda: self._socket.send(b" " * (max_message_bytes + 1), text=True)),
        )
        code, way = rng.choice(ways)
        await way()
        try:
            async with asyncio.timeout(HANG_S):
                while True:
                    await self._socket.recv()
        except TimeoutError:
            return f"the connection was not closed with {code}"
        except ConnectionClosed:
            await self._socket.wait_closed()
        closed = self._socket.close_code
        return None if closed == code else f"the connection was closed with {closed}, not {code}"

    async def _close(self) -> None:
        await self._socket.close()

    async def _break_off(self) -> None:
        self._socket.transport.abort()
