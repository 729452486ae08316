"""``streams bench soak``: a day of stream on the virtual clock, and what the process holds each hour."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gateway.assembly import Streams
from speech.hibari import HibariSynthesizer
from streams.bench.caller import speak
from streams.bench.day import HOUR_S, Day, Density, Mark, Material
from streams.bench.questions import INTERRUPTIONS, LONG_QUESTIONS, QUESTIONS, sample_pictures
from streams.bench.report import Cell, Column, Report, emit
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.serve import new_server

LIMIT = 0.02
"""Resident memory may grow by so much over what it was after the first hour."""

PICTURES_PER_S = 0.5

MIB = 1024**2
BUDGETS = {"device_bytes": 16 * MIB, "ram_bytes": 32 * MIB, "disk_bytes": 512 * MIB}
"""Of the memory: RAM is full within the first hour, the disk before the day is over."""

GREW_SHOWN = 5

COLUMNS = (
    Column("hour", "hour", ".4g"),
    Column("resident_mb", "resident MB", ".1f"),
    Column("change", "since hour 1", "+.2%"),
    Column("device_mb", "device MB", ".1f"),
    Column("ram_mb", "RAM MB", ".1f"),
    Column("disk_mb", "disk MB", ".0f"),
    Column("frames", "frames", "d"),
    Column("answers", "answers", "d"),
    Column("interrupted", "interrupted", "d"),
    Column("visitors", "visitors", "d"),
    Column("minutes", "took min", ".1f"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hours", type=float, default=24.0, metavar="H", help="of stream (24)")
    parser.add_argument("--seed", type=int, default=0, help="of what happens when (0)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """1 when memory grew past the limit. Raises ConfigError, and StreamsError when an answer stays away."""
    if args.hours <= 0:
        raise ConfigError("--hours must be above 0", param="--hours")
    voice = HibariSynthesizer()
    material = Material(
        speak(voice, QUESTIONS),
        speak(voice, LONG_QUESTIONS),
        speak(voice, INTERRUPTIONS),
        sample_pictures(config.models, PICTURES_PER_S),
    )
    density, seconds = Density(), round(args.hours * HOUR_S)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with tempfile.TemporaryDirectory(prefix="streams-soak-") as folder:
        streams = Streams.load(soak_config(config, Path(folder)))
        try:
            with Progress(*columns, console=Console(stderr=True)) as progress:
                bar = progress.add_task(f"{args.hours:g} hours", total=seconds)

                def tell(mark: Mark) -> None:
                    progress.console.print(
                        f"hour {mark.at_s / HOUR_S:.4g}: {mark.resident_bytes / 1e6:.1f} MB"
                    )

                day = Day(streams, material, density, args.seed, tell)
                marks = asyncio.run(live(streams, day, seconds, lambda done: progress.advance(bar, done)))
        finally:
            streams.close()
    emit(report(marks, density), args.json)
    change = worst_change(marks)
    return 1 if change is not None and change > LIMIT else 0


def soak_config(config: StreamsConfig, folder: Path) -> StreamsConfig:
    memory = config.memory.model_copy(update={"dir": folder, **BUDGETS})
    server = config.server.model_copy(update={"port": 0, "clock": "media"})
    return config.model_copy(update={"memory": memory, "server": server})


async def live(streams: Streams, day: Day, seconds: int, advance: Callable[[int], None]) -> list[Mark]:
    """Live ``day`` on a gateway of its own."""
    async with new_server(streams) as server:
        return await day.run(server.url, seconds, advance)


def _after_first_hour(marks: Sequence[Mark]) -> Mark | None:
    return next((mark for mark in marks if mark.at_s >= HOUR_S), None)


def worst_change(marks: Sequence[Mark]) -> float | None:
    """The most that resident memory grew over the mark after the first hour; None before there are two."""
    base = _after_first_hour(marks)
    later = [mark for mark in marks if base is not None and mark.at_s > base.at_s]
    if base is None or not later:
        return None
    return max(mark.resident_bytes for mark in later) / base.resident_bytes - 1


def report(marks: Sequence[Mark], density: Density) -> Report:
    base = _after_first_hour(marks)
    rows: list[dict[str, Cell]] = [
        {
            "hour": mark.at_s / HOUR_S,
            "resident_mb": mark.resident_bytes / 1e6,
            "change": mark.resident_bytes / base.resident_bytes - 1
            if base and mark.at_s > base.at_s
            else None,
            **{f"{tier}_mb": mark.memory_bytes[tier] / 1e6 for tier in ("device", "ram", "disk")},
            "frames": mark.frames,
            "answers": mark.answers,
            "interrupted": mark.interrupted,
            "visitors": mark.visitors,
            "minutes": mark.took_s / 60,
        }
        for mark in marks
    ]
    notes = [
        f"a frame and its duplicate every {density.frame_every_s} s, scenes of {density.scene_s[0]} to "
        f"{density.scene_s[1]} s, a question every {density.question_every_s} s ({density.typed_share:.0%} "
        f"in writing, {density.interrupted_share:.0%} with an interruption), another client for a moment "
        f"every {density.visitor_every_s} s; over a WebSocket whose other end is in the same process",
        "budgets: " + ", ".join(f"{name} {size // MIB} MiB" for name, size in BUDGETS.items()),
    ]
    change = worst_change(marks)
    if change is not None:
        held = "held" if change <= LIMIT else "NOT held"
        notes.append(f"at most {change:+.2%} over the first hour; the limit of {LIMIT:.0%} is {held}")
    if base is not None:
        notes.append(f"objects that grew most since: {_grew(base.objects, marks[-1].objects)}")
    return Report("soak", COLUMNS, tuple(rows), tuple(notes))


def _grew(before: Counter[str], after: Counter[str]) -> str:
    grown = (after - before).most_common(GREW_SHOWN)
    return ", ".join(f"{name} {before[name]} → {after[name]}" for name, _ in grown) or "none"
