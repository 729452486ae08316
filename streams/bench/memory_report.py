"""Tables and plots of ``streams bench memory``, from what its parts measured."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from llm.reader import Reader
from streams.bench.crash import CrashReport
from streams.bench.figure import Plot
from streams.bench.hours import ANSWERS, FRAMES, TOKENS, YOUNG_FRAMES, Aged
from streams.bench.lookup import Lookups
from streams.bench.report import Cell, Column, Report
from streams.config import MemoryConfig
from streams.types import US_PER_S, format_time

MB = 1e6


def hours_report(aged: Aged, memory: MemoryConfig, reader: Reader) -> Report:
    columns = (
        Column("age", "age"),
        Column("blocks", "blocks", ",d"),
        Column("frame_ms", "frame ms", ".1f"),
        Column("frame_ratio", "× a minute", ".2f"),
        Column("answer_ms", "answer ms", ".0f"),
        Column("answer_ratio", "× a minute", ".2f"),
        Column("append_us", "append µs", ".0f"),
        Column("device_mb", "device MB", ".1f"),
        Column("ram_mb", "RAM MB", ".0f"),
        Column("disk_mb", "disk MB", ",.0f"),
        Column("resident_mb", "process MB", ",.0f"),
    )
    rows: list[dict[str, Cell]] = [
        {
            **{name: getattr(mark, name) for name in ("blocks", "frame_ms", "frame_ratio")},
            **{name: getattr(mark, name) for name in ("answer_ms", "answer_ratio", "append_us")},
            "age": format_time(mark.seconds * US_PER_S),
            "device_mb": mark.device_bytes / MB,
            "ram_mb": mark.ram_bytes / MB,
            "disk_mb": mark.disk_bytes / MB,
            "resident_mb": mark.resident_bytes / MB,
        }
        for mark in aged.marks
    ]
    spec = reader.backbone.spec
    notes = (
        f"One frame a second, {spec.token_bytes / 1e3:.1f} kB a token ({Path(spec.name).name}), "
        f"codec {memory.codec}, recall by {memory.policy}. Timed frames and answers are read by the model; "
        "those in between are frames that it read before, appended again.",
        f"× a minute: against a session of {YOUNG_FRAMES} frames, measured in turn with the old one; medians "
        f"of {FRAMES} frames and {ANSWERS} answers of {TOKENS} tokens, recall included.",
        f"Budgets: {memory.ram_bytes / MB:.0f} MB of RAM (index included), {memory.device_bytes / MB:.0f} MB "
        f"of device a session; the process also holds the models and, in turn, the young sessions. "
        f"Ingest waited for the disk {aged.waits} times, which the simulation brings about by appending as "
        "fast as it can.",
    )
    return Report("cost over hours", columns, tuple(rows), notes)


def hours_plots(aged: Aged, memory: MemoryConfig) -> list[Plot]:
    hours = [mark.seconds / 3_600 for mark in aged.marks]
    ratios = {
        "frame": [mark.frame_ratio for mark in aged.marks],
        "answer": [mark.answer_ratio for mark in aged.marks],
    }
    sizes = {
        tier: [getattr(mark, f"{tier}_bytes") / MB for mark in aged.marks]
        for tier in ("device", "ram", "disk", "resident")
    }
    return [
        Plot("cost", "Cost against a stream of a minute", "hours", "ratio", hours, ratios, log_x=True),
        Plot("bytes", "What memory takes", "hours", "MB", hours, sizes, log_x=True, log_y=True),
    ]


def lookup_report(found: Lookups) -> Report:
    columns = (
        Column("what", "what"),
        Column("p50", "p50 ms", ",.1f"),
        Column("p95", "p95 ms", ",.1f"),
        Column("times", "× the look-up's p95", ",.0f"),
    )
    p95 = found.percentile(95)
    rows: tuple[dict[str, Cell], ...] = (
        {"what": "search and load", "p50": found.percentile(50), "p95": p95, "times": 1.0},
        {
            "what": "read what was found again",
            "p50": found.reread_moments_ms,
            "times": found.reread_moments_ms / p95,
        },
        {
            "what": "read the stream again",
            "p50": found.reread_stream_ms,
            "times": found.reread_stream_ms / p95,
        },
    )
    notes = (
        f"{len(found.total_ms)} look-ups in {found.blocks:,} blocks on disk, {found.found:.1f} blocks each, "
        f"{found.from_disk:.0%} of them not in RAM; the system's cache of the files was dropped every ten.",
        "Reading again: the time of one frame, read by the model as it comes in, times their number.",
    )
    return Report("finding moments", columns, rows, notes)


def lookup_plot(found: Lookups) -> Plot:
    ordered = sorted(found.total_ms)
    shares = [100 * (place + 1) / len(ordered) for place in range(len(ordered))]
    series = {"search and load": ordered}
    return Plot("lookup", "Time to find and load moments", "percent of look-ups", "ms", shares, series)


def answers_plot(report: Report) -> Plot:
    names = [str(row["age"]) for row in report.rows]
    conditions = [column.key for column in report.columns if column.key.startswith("right_")]
    series = {
        key.removeprefix("right_").replace("_", " "): [100 * _number(row[key]) for row in report.rows]
        for key in conditions
    }
    return Plot("answers", "Answers that are right, by age of the evidence", "", "%", names, series)


def policies_plot(report: Report) -> Plot:
    rows = [row for row in report.rows if row["filter"] == "yes"]
    names = [str(row["policy"]) for row in rows]
    series = {f"recall@{k}": [_number(row[f"recall_at_{k}"]) for row in rows] for k in (1, 4, 8)}
    return Plot("policies", "Evidence among the best k", "", "share of questions", names, series)


def codec_plot(report: Report) -> Plot:
    names = [str(row["codec"]) for row in report.rows]
    series = {
        "bytes, % of bf16": [100 * _number(row["kv_ratio"]) for row in report.rows],
        "perplexity, ‰ above exact": [10 * _number(row["perplexity_change"]) for row in report.rows],
    }
    return Plot("codecs", "Bytes and perplexity by codec", "", "", names, series)


def index_plot(report: Report) -> Plot:
    blocks = [_number(row["blocks"]) for row in report.rows]
    series = {
        "p50": [_number(row["search_p50_ms"]) for row in report.rows],
        "p95": [_number(row["search_p95_ms"]) for row in report.rows],
    }
    return Plot("index", "Search over all layers", "blocks", "ms", blocks, series, log_x=True)


def crash_report(found: CrashReport) -> Report:
    columns = (Column("what", "what"), Column("count", "count", ",.3g"))
    counts = asdict(found)
    problems = counts.pop("problems")
    rows: list[dict[str, Cell]] = [{"what": name.replace("_", " "), "count": n} for name, n in counts.items()]
    rows.append({"what": "broken promises", "count": len(problems)})
    return Report("kill -9 during ingest", columns, tuple(rows), tuple(str(each) for each in problems))


def _number(cell: Cell) -> float:
    assert isinstance(cell, int | float), "a figure is missing"
    return float(cell)
