"""Figures of a bench: drawn once, kept as PNG files and inside one HTML page with its tables."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from streams.bench.report import Report, show_cell
from streams.errors import ConfigError

SIZE_INCHES = (7.2, 3.6)
DPI = 120

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; }}
body {{ max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin-top: 2.2rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }}
th, td {{ padding: 0.25rem 0.7rem; border-bottom: 1px solid #ddd; text-align: right; }}
th:first-child, td:first-child {{ text-align: left; }}
img {{ max-width: 100%; height: auto; }} p {{ color: #555; max-width: 48rem; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines or bars over the same ``x``; ``series`` maps a name to its values, None where there is none."""

    name: str
    title: str
    x_label: str
    y_label: str
    x: Sequence[float] | Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    log_x: bool = False
    log_y: bool = False
    limit: float | None = None
    """A level that must not be passed, drawn across."""


def draw(plot: Plot) -> bytes:
    """``plot`` as PNG: grouped bars where ``x`` are names, else lines."""
    figure = Figure(SIZE_INCHES, DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    names = [value for value in plot.x if isinstance(value, str)]
    for place, (name, values) in enumerate(plot.series.items()):
        heights = [float("nan") if value is None else value for value in values]
        if names:
            width = 0.8 / len(plot.series)
            left = [at - 0.4 + (place + 0.5) * width for at in range(len(names))]
            axes.bar(left, heights, width * 0.95, label=name)
        else:
            axes.plot([float(value) for value in plot.x], heights, marker="o", markersize=4, label=name)
    if names:
        axes.set_xticks(range(len(names)), names)
    if plot.limit is not None:
        axes.axhline(plot.limit, linestyle="--", linewidth=1, color="#b00", label="limit")
    if plot.log_x:
        axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")
    axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
    axes.grid(alpha=0.3)
    if len(plot.series) > 1 or plot.limit is not None:
        axes.legend(frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def write_page(title: str, reports: Sequence[Report], plots: Sequence[Plot], folder: Path) -> Path:
    """Write each plot as a PNG, and ``report.html`` with all of them and the tables; the page's path.

    Raises ConfigError when ``folder`` cannot be written.
    """
    parts = [_section(report) for report in reports]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for plot in plots:
            png = draw(plot)
            (folder / f"{plot.name}.png").write_bytes(png)
            data = base64.b64encode(png).decode("ascii")
            parts.append(f'<img src="data:image/png;base64,{data}" alt="{escape(plot.title)}">')
        page = folder / "report.html"
        page.write_text(PAGE.format(title=escape(title), body="\n".join(parts)), "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}", param="--out") from None
    return page


def _section(report: Report) -> str:
    head = "".join(f"<th>{escape(column.heading)}</th>" for column in report.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(show_cell(row.get(column.key), column.format))}</td>" for column in report.columns
        )
        + "</tr>"
        for row in report.rows
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    return f"<h2>{escape(report.title)}</h2>\n<table><tr>{head}</tr>{rows}</table>\n{notes}"
