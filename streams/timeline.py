"""The demo's terminal: a line for each thing that happened, and a status line that moves."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table
from rich.text import Text

from streams.types import format_time

STYLES = {
    "saw": "blue",
    "you": "bold cyan",
    "hears": "dim cyan",
    "recalled": "magenta",
    "answer": "bold green",
    "timing": "dim",
    "note": "yellow",
    "error": "bold red",
}


class Timeline:
    """Prints what happens to ``console``. The status line shows only on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console, spinner="dots")
        self._frames = 0
        self._hearing = ""
        self._writing = ""
        self._at_us = 0

    def __enter__(self) -> Timeline:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def say(self, kind: str, text: str) -> None:
        """A line that stays."""
        row = Table.grid(padding=(0, 2))
        row.add_column(style="dim", no_wrap=True)
        row.add_column(width=9, justify="right", no_wrap=True)
        row.add_column(style=STYLES[kind])
        row.add_row(format_time(self._at_us), kind, Text(text))
        self._console.print(row, highlight=False)

    def tick(
        self,
        at_us: int,
        *,
        frames: int | None = None,
        hearing: str | None = None,
        writing: str | None = None,
    ) -> None:
        """Move the status line; what is None stays as it was."""
        self._at_us = max(self._at_us, at_us)
        self._frames = self._frames if frames is None else frames
        self._hearing = self._hearing if hearing is None else hearing
        self._writing = self._writing if writing is None else writing
        parts = [f"{format_time(self._at_us)}  {self._frames} frames sent"]
        if self._hearing:
            parts.append(f"hears: {escape(self._hearing)}")
        if self._writing:
            parts.append(f"says: {escape(self._writing)}")
        self._status.update("  ·  ".join(parts))
