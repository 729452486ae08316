"""Lines that are typed while a conversation goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import TextIO


async def typed_lines(file: TextIO) -> AsyncIterator[str]:
    """Lines of ``file`` as they come, without those that are blank, to its end.

    A thread of its own waits for them, which does not hold the process up when it ends.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in file:
            _hand_over(loop, lines, line)
        _hand_over(loop, lines, None)

    threading.Thread(target=read, name="typing", daemon=True).start()
    while (line := await lines.get()) is not None:
        if line.strip():
            yield line.strip()


def _hand_over(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None], line: str | None) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(lines.put_nowait, line)
