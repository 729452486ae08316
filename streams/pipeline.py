"""Stages: threads that run model work, and bounded queues between them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")

URGENT = 0
ORDINARY = 1


class Worker:
    """One thread that runs calls by priority, then in the order they came.

    Model work runs here, never on the event loop. Work in steps (a generator that yields between
    them) goes back into the queue after each, so that urgent work gets in between.
    """

    def __init__(self, name: str, setup: Callable[[], object] | None = None) -> None:
        """``setup`` runs first on the thread, which is where torch's thread count is set."""
        self._jobs: list[tuple[int, int, Future[Any], Callable[[], Any]]] = []
        self._order = itertools.count()
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, args=(setup,), name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], T], priority: int = ORDINARY) -> Future[T]:
        future: Future[T] = Future()
        with self._ready:
            if self._closed:
                raise RuntimeError(f"worker {self._thread.name} is closed")
            heapq.heappush(self._jobs, (priority, next(self._order), future, call))
            self._ready.notify()
        return future

    async def run(self, call: Callable[[], T], priority: int = ORDINARY) -> T:
        """Run ``call`` on the thread; cancelling before it starts takes it off the queue."""
        return await asyncio.wrap_future(self.submit(call, priority))

    async def drive(self, steps: Generator[None, None, T], priority: int = ORDINARY) -> T:
        """Run ``steps`` to the end, one at a time, and return its result."""

        def step() -> tuple[bool, T | None]:
            try:
                next(steps)
            except StopIteration as stop:
                return True, stop.value
            return False, None

        while True:
            done, result = await self.run(step, priority)
            if done:
                return result  # type: ignore[return-value] # set together with ``done``

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _serve(self, setup: Callable[[], object] | None) -> None:
        if setup is not None:
            setup()
        while True:
            with self._ready:
                while not self._jobs and not self._closed:
                    self._ready.wait()
                if not self._jobs:
                    return
                _, _, future, call = heapq.heappop(self._jobs)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)


class Stage(Generic[T]):
    """A bounded queue and the coroutine that works it off, one item at a time and in order."""

    def __init__(self, name: str, work: Callable[[T], Awaitable[None]], limit: int) -> None:
        self._name = name
        self._work = work
        self._limit = limit
        self._items: deque[T] = deque()
        self._changed = asyncio.Condition()
        self._busy = False
        self._task = asyncio.get_running_loop().create_task(self._serve(), name=name)

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Queue ``item``, waiting for room: nothing is lost and the sender is slowed down."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._items) < self._limit)
            self._items.append(item)
            self._changed.notify_all()

    async def offer(self, item: T) -> T | None:
        """Queue ``item`` now; when there is no room, the oldest goes, and is returned."""
        async with self._changed:
            dropped = self._items.popleft() if len(self._items) >= self._limit else None
            self._items.append(item)
            self._changed.notify_all()
        return dropped

    def clear(self) -> None:
        """Forget what is queued."""
        self._items.clear()

    async def drain(self) -> None:
        """Return when nothing is queued or worked on."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._items and not self._busy)

    async def close(self) -> None:
        """Stop, leaving what is queued."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._items))
                item = self._items.popleft()
                self._busy = True
                self._changed.notify_all()
            try:
                await self._work(item)
            finally:
                async with self._changed:
                    self._busy = False
                    self._changed.notify_all()
