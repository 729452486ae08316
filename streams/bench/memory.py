"""``streams bench memory``: what hours of memory cost, what it finds, and what it is worth to answers."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gateway.assembly import load_reader
from llm.reader import Reader
from memory.codec.codecs import CODECS
from memory.recall.policies import resolve_policy
from memory.shape import MemoryShape
from streams.bench import codec as codecs
from streams.bench import crash, evidence, hours, lookup, recall_policies
from streams.bench import index as indexes
from streams.bench.figure import Plot, write_page
from streams.bench.memory_report import (
    answers_plot,
    codec_plot,
    crash_report,
    hours_plots,
    hours_report,
    index_plot,
    lookup_plot,
    lookup_report,
    policies_plot,
)
from streams.bench.report import Report, emit_all
from streams.config import MemoryConfig, StreamsConfig
from streams.errors import ConfigError

LOOKUPS = 200
DEVICE_BYTES = 16 * 1024**2
LOSSY = tuple(CODECS[name] for name in ("exact", "int8", "int4"))
INDEX_BLOCKS = (1_000, 10_000, 36_000)
SHORT_OF_DISK = 4 / 3
"""A simulation is refused unless the disk has so many times what it will take."""


@dataclass(slots=True)
class Bench:
    """What is measured on, and what came out so far."""

    reader: Reader
    shape: MemoryShape
    config: StreamsConfig
    args: argparse.Namespace
    progress: Progress
    reports: list[Report] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A bar for one step; what is yielded moves it on."""
        task: TaskID = self.progress.add_task(name, total=total)
        yield lambda count: self.progress.advance(task, count)
        self.progress.update(task, total=total or 1, completed=total or 1)

    @property
    def memory(self) -> MemoryConfig:
        return self.config.memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hours", type=float, default=0.25, help="length of the simulated stream (0.25)")
    parser.add_argument("--kills", type=int, default=10, help="how often ingest is killed (10)")
    parser.add_argument("--questions", type=int, default=8, help="questions about evidence (8)")
    parser.add_argument(
        "--text-tokens", type=int, default=768, help="length of the text that codecs are tried on (768)"
    )
    parser.add_argument(
        "--only",
        choices=sorted(SECTIONS),
        action="append",
        help="this part, instead of all; may be given again",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("bench-memory"),
        metavar="DIR",
        help="folder of plots and report.html (bench-memory)",
    )
    parser.add_argument("--work-dir", type=Path, metavar="DIR", help="where the stream is kept (temporary)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Measure, print the tables, and write plots and page. Raises ConfigError, ModelError."""
    for name in ("hours", "kills", "questions"):
        if getattr(args, name) <= 0:
            raise ConfigError(f"--{name} must be above 0", param=f"--{name}")
    torch.set_num_threads(config.llm.threads or os.cpu_count() or 1)
    reader, shape = load_reader(config)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    start = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bench = Bench(reader, shape, config, args, progress)
        for name, section in SECTIONS.items():
            if not args.only or name in args.only:
                section(bench)
    emit_all("memory", bench.reports, args.json)
    page = write_page("Streams: memory", bench.reports, bench.plots, args.out)
    Console(stderr=True).print(f"{page} written; {time.perf_counter() - start:.0f} s", highlight=False)
    return 0


def _hours(bench: Bench) -> None:
    """Cost and bytes over hours, then look-ups in what is there at the end."""
    seconds = round(bench.args.hours * 3_600)
    with _work_folder(bench.args.work_dir) as folder:
        needed = round(seconds * hours.FRAME_TOKENS * bench.reader.backbone.spec.token_bytes * SHORT_OF_DISK)
        free = os.statvfs(folder)
        if free.f_bavail * free.f_frsize < needed:
            raise ConfigError(f"{folder} needs {needed / 1e9:.1f} GB free", param="--work-dir")
        memory = bench.memory.model_copy(
            update={
                "dir": folder,
                "disk_bytes": 2 * needed,
                "total_disk_bytes": 4 * needed,
                # Soon full of what was handed back lately, so that growth would show.
                "device_bytes": DEVICE_BYTES,
            }
        )
        with (
            bench.step("hours of stream", seconds) as advance,
            hours.aged(bench.reader, bench.shape, memory, bench.args.hours, advance) as aged,
        ):
            bench.reports.append(hours_report(aged, resolve_policy(memory, bench.shape), bench.reader))
            bench.plots += hours_plots(aged, memory)
            with bench.step("look-ups", LOOKUPS) as looked:
                found = lookup.look_up(aged.stream, folder, aged.frames, LOOKUPS, looked)
    bench.reports.append(lookup_report(found))
    bench.plots.append(lookup_plot(found))


def _answers(bench: Bench) -> None:
    questions = bench.args.questions
    with bench.step("answers", questions) as advance:
        report = evidence.measure(bench.reader, bench.shape, bench.memory, questions, advance, one_pass=True)
    bench.reports.append(report)
    bench.plots.append(answers_plot(report))


def _answer_codecs(bench: Bench) -> None:
    questions = bench.args.questions
    with bench.step("answers by codec", questions) as advance:
        report = evidence.measure_codecs(
            bench.reader, bench.shape, bench.memory, questions, advance, codecs=LOSSY
        )
    bench.reports.append(report)


def _policies(bench: Bench) -> None:
    with bench.step("recall policies"):
        report = recall_policies.report(bench.reader, bench.memory, bench.config.llm.instructions)
    bench.reports.append(report)
    bench.plots.append(policies_plot(report))


def _codecs(bench: Bench) -> None:
    with bench.step("codecs"):
        report = codecs.measure(bench.reader.backbone, bench.reader.chat, text_tokens=bench.args.text_tokens)
    bench.reports.append(report)
    bench.plots.append(codec_plot(report))


def _index(bench: Bench) -> None:
    with bench.step("indexes"):
        report = indexes.report(indexes.measure(INDEX_BLOCKS))
    bench.reports.append(report)
    bench.plots.append(index_plot(report))


def _crash(bench: Bench) -> None:
    with (
        bench.step("kill -9", bench.args.kills) as advance,
        _work_folder(bench.args.work_dir) as folder,
    ):
        report = crash.run_rounds(folder, bench.args.kills, 0, lambda done, kills: advance(1))
    bench.reports.append(crash_report(report))


@contextmanager
def _work_folder(inside: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="streams-bench-", dir=inside) as folder:
        yield Path(folder)


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "hours": _hours,
    "answers": _answers,
    "answer-codecs": _answer_codecs,
    "policies": _policies,
    "codecs": _codecs,
    "index": _index,
    "crash": _crash,
}
