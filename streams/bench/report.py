"""What a bench found: one table for people, the same figures as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from streams.document import write_document

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in the JSON, its heading in the table, and how a number is written there."""

    key: str
    heading: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """``rows`` map column keys to figures; a row may lack some. ``notes`` say what was measured, and how."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Cell], ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "columns": [column.key for column in self.columns],
            "rows": [dict(row) for row in self.rows],
            "notes": list(self.notes),
        }


def emit(report: Report, json_path: str | None = None) -> None:
    """Print ``report``, and write it as JSON to ``json_path``; for "-" the JSON alone goes to stdout.

    Raises ConfigError when the file cannot be written.
    """
    _print_table(report, Console(stderr=json_path == "-"))
    if json_path is not None:
        write_document(report.to_json(), json_path)


def emit_all(title: str, reports: Sequence[Report], json_path: str | None = None) -> None:
    """Print ``reports`` under their ``title``; as JSON they are one document, as ``emit`` writes it."""
    console = Console(stderr=json_path == "-")
    console.print(title, style="bold", highlight=False)
    for report in reports:
        _print_table(report, console)
    if json_path is not None:
        write_document({"title": title, "reports": [report.to_json() for report in reports]}, json_path)


def _print_table(report: Report, console: Console) -> None:
    table = Table(
        title=report.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for column in report.columns:
        numeric = any(isinstance(row.get(column.key), int | float) for row in report.rows)
        table.add_column(column.heading, justify="right" if numeric else "left")
    for row in report.rows:
        table.add_row(*(show_cell(row.get(column.key), column.format) for column in report.columns))
    console.print(table)
    for note in report.notes:
        console.print(note, markup=False, highlight=False)


def show_cell(cell: Cell, spec: str) -> str:
    """A figure as a person reads it; a dash where there is none."""
    if cell is None:
        return "–"
    return format(cell, spec) if isinstance(cell, int | float) else cell
