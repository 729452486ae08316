"""How far a pull has come: a contract, and what rich draws on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichBars

Update: TypeAlias = Callable[[int], None]
"""Takes the number of bytes done so far, which may also go back when a download starts again."""


class Progress(Protocol):
    def task(self, name: str, total_bytes: int | None = None) -> AbstractContextManager[Update]:
        """A task under way for as long as the context is open; ``None``: its length is not known."""
        ...


class RichProgress:
    """A bar for each task on a terminal; elsewhere one line when it starts and one when it ends."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def task(self, name: str, total_bytes: int | None = None) -> Iterator[Update]:
        if self._console.is_terminal:
            with self._bars(known=total_bytes is not None) as bars:
                task = bars.add_task(name, total=total_bytes)
                yield lambda done_bytes: bars.update(task, completed=done_bytes)
                bars.update(task, total=total_bytes or 1, completed=total_bytes or 1)
            return
        size = "" if total_bytes is None else f" ({decimal(total_bytes)})"
        self._say(f"{name}{size} …")
        started_s = time.monotonic()
        yield lambda done_bytes: None
        self._say(f"{name}: done in {time.monotonic() - started_s:.1f} s")

    def _bars(self, *, known: bool) -> RichBars:
        # Of unknown length there is only a pulse: no sizes and no time to go.
        sizes = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()) if known else ()
        return RichBars(TextColumn("{task.description}"), BarColumn(), *sizes, console=self._console)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
