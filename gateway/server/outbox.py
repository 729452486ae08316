"""Messages on their way to one client, bounded by how far a slow reader may fall behind."""

from __future__ import annotations

import asyncio
from collections import deque


class Outbox:
    """A queue in characters of JSON (bytes on the wire, since it is ASCII).

    ``put`` never waits, for events are told as they happen. Past ``bound_bytes`` the connection takes
    no more requests (``wait_for_room``); a client that stays past it for ``patience_s``, or gets past
    four times as much, has ``overflowed`` and is to be closed.
    """

    def __init__(self, bound_bytes: int, patience_s: float) -> None:
        self._bound_bytes = bound_bytes
        self._patience_s = patience_s
        self._queue: deque[str] = deque()
        self._size_bytes = 0
        self._filled = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._room = asyncio.Event()
        self._room.set()
        self._deadline: asyncio.TimerHandle | None = None
        self.overflowed = asyncio.Event()

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def put(self, message: str) -> None:
        """Nothing more is taken once overflowed: the client will be closed and told why."""
        if self.overflowed.is_set():
            return
        self._queue.append(message)
        self._size_bytes += len(message)
        self._filled.set()
        self._flushed.clear()
        if self._size_bytes > 4 * self._bound_bytes:
            self.overflowed.set()
        elif self._size_bytes > self._bound_bytes and self._deadline is None:
            self._room.clear()
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._patience_s, self.overflowed.set)

    async def get(self) -> str:
        """The oldest message. It counts as waiting until ``sent``."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue[0]

    def sent(self) -> None:
        """The message that ``get`` gave is with the network."""
        self._size_bytes -= len(self._queue.popleft())
        if not self._queue:
            self._flushed.set()
        if self._size_bytes <= self._bound_bytes:
            self._room.set()
            self._cancel_deadline()

    async def flushed(self) -> None:
        """Return when all that was put is with the network."""
        await self._flushed.wait()

    async def wait_for_room(self) -> None:
        await self._room.wait()

    def close(self) -> None:
        self._cancel_deadline()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
