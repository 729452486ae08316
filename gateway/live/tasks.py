"""The work that a session has going on beside its client's requests."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from gateway.live.live import Emit
from streams.errors import StreamsError
from streams.events import SessionFailed
from streams.log import get_logger

log = get_logger(__name__)


class Tasks:
    """Starts work and keeps hold of it. What goes wrong in it is told; the session goes on."""

    def __init__(self, session_id: str, emit: Emit) -> None:
        self._emit = emit
        self._running: set[asyncio.Task[None]] = set()
        self._log = log.bind(session=session_id)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guard(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def wait(self) -> bool:
        """Return once all that runs now has ended; False when nothing ran."""
        running = [*self._running]
        if running:
            await asyncio.wait(running)
        return bool(running)

    async def cancel(self) -> None:
        for task in [*self._running]:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StreamsError as error:
            self._emit(SessionFailed(error))
        except Exception:
            self._log.exception("session.failed")
            self._emit(SessionFailed(StreamsError("something went wrong inside the server")))
