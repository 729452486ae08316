"""Progress bars of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Bar: TypeAlias = Callable[[int, str], None]
"""Takes how many more were done, and figures to show beside the bar ("": those from before)."""


@contextmanager
def bar_of(name: str, total: int) -> Iterator[Bar]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total, figures="")

        def advance(done: int, figures: str) -> None:
            progress.update(task, advance=done)
            if figures:
                progress.update(task, figures=figures)

        yield advance
