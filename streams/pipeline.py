"""Stages: threads that run model work, and bounded queues between them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from streams.log import get_logger

log = get_logger(__name__)

T = TypeVar("T")

URGENT = 0
ORDINARY = 1

WAIT_HALF_LIFE_S = 5.0
"""A worker's recent wait counts half as much after so long."""


class Worker:
    """One thread that runs calls by priority, then in the order they came.

    Model work runs here, never on the event loop. Work in steps (a generator that yields between
    them) goes back into the queue after each, so that urgent work gets in between.
    """

    def __init__(
        self,
        name: str,
        setup: Callable[[], object] | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``setup`` runs first on the thread, which is where torch's thread count is set."""
        self.name = name
        self._jobs: list[tuple[int, int, float, Future[Any], Callable[[], Any]]] = []
        self._order = itertools.count()
        self._now = now
        self._recent_s = 0.0
        self._recent_at = now()
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, args=(setup,), name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], T], priority: int = ORDINARY) -> Future[T]:
        future: Future[T] = Future()
        with self._ready:
            if self._closed:
                raise RuntimeError(f"worker {self.name} is closed")
            heapq.heappush(self._jobs, (priority, next(self._order), self._now(), future, call))
            self._ready.notify()
        return future

    @property
    def waiting_s(self) -> float:
        """How long work has to wait here: the longer of two waits. Called on any thread.

        One is how long the oldest call in the queue has waited. The other is the average over the calls
        that began of late, weighted by the time that each stands for and fading while none begin.
        """
        with self._ready:
            now = self._now()
            queued = (now - since for _, _, since, future, _ in self._jobs if not future.cancelled())
            return max(self._recent_s * self._fading(now), *queued, 0.0)

    def _began(self, waited_s: float) -> None:
        """A moving average for samples at uneven intervals: each weighs as long as since the one before."""
        now = self._now()
        old = self._fading(now)
        self._recent_s = self._recent_s * old + waited_s * (1 - old)
        self._recent_at = now

    def _fading(self, now: float) -> float:
        return float(0.5 ** ((now - self._recent_at) / WAIT_HALF_LIFE_S))

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
                _, _, since, future, call = heapq.heappop(self._jobs)
                runs = future.set_running_or_notify_cancel()
                if runs:
                    self._began(self._now() - since)
            if not runs:
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)


class Stage(Generic[T]):
    """A bounded queue and the coroutine that works it off, one item at a time and in order.

    An item that fails does not end the stage: it is logged, told to ``on_error`` where given, and the
    next one is worked on. Used on one event loop.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[T], Awaitable[None]],
        limit: int,
        on_error: Callable[[T, Exception], None] | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._limit = limit
        self._on_error = on_error
        self._items: deque[T] = deque()
        self._busy = False
        self._closed = False
        self._filled, self._room, self._idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._changed()
        self._task = asyncio.get_running_loop().create_task(self._serve(), name=name)

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Queue ``item``, waiting for room: nothing is lost and the sender is slowed down.

        Raises RuntimeError when the stage is closed, also while waiting.
        """
        while len(self._items) >= self._limit and not self._closed:
            await self._room.wait()
        self._append(item)

    async def offer(self, item: T) -> T | None:
        """Queue ``item`` now; when there is no room, the oldest goes, and is returned.

        Raises RuntimeError when the stage is closed.
        """
        dropped = self._items.popleft() if len(self._items) >= self._limit and not self._closed else None
        self._append(item)
        return dropped

    def _append(self, item: T) -> None:
        if self._closed:
            raise RuntimeError(f"stage {self._name} is closed")
        self._items.append(item)
        self._changed()

    def clear(self) -> None:
        """Forget what is queued."""
        self._items.clear()
        self._changed()

    async def drain(self) -> None:
        """Return when nothing is queued or worked on, or the stage is closed."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop, cancelling what is worked on and leaving what is queued."""
        self._closed = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._changed()

    def _changed(self) -> None:
        """Let those go on whose condition holds now."""
        for event, holds in (
            (self._filled, bool(self._items)),
            (self._room, self._closed or len(self._items) < self._limit),
            (self._idle, self._closed or not (self._items or self._busy)),
        ):
            if holds:
                event.set()
            else:
                event.clear()

    async def _serve(self) -> None:
        while True:
            await self._filled.wait()
            if not self._items:
                continue  # cleared between the signal and now
            item = self._items.popleft()
            self._busy = True
            self._changed()
            try:
                await self._work(item)
            except Exception as error:
                log.exception("stage.failed", stage=self._name)
                if self._on_error is not None:
                    self._on_error(item, error)
            finally:
                self._busy = False
                self._changed()
