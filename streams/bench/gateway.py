"""``streams bench gateway``: whole conversations over WebSockets, one alone and more of them at once."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.progress import Progress, TaskID

from speech.hibari import HibariSynthesizer
from streams.bench.caller import speak
from streams.bench.gateway_report import reports
from streams.bench.load import Load, Script, run_load
from streams.bench.questions import INTERRUPTIONS, LONG_QUESTIONS, QUESTIONS, sample_pictures
from streams.bench.report import emit_all
from streams.bench.server_process import ServerProcess
from streams.config import StreamsConfig
from streams.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sessions",
        type=int,
        nargs="+",
        default=[4],
        metavar="N",
        help="at once (4); several numbers are measured one after the other, always beside one session",
    )
    parser.add_argument("--minutes", type=float, default=2.0, metavar="M", help="for each number (2)")
    parser.add_argument("--seed", type=int, default=0, help="of who asks what when (0)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for numbers that cannot be, StreamsError when the server does not start."""
    if min(args.sessions) < 1:
        raise ConfigError("--sessions must be above 0", param="--sessions")
    if args.minutes <= 0:
        raise ConfigError("--minutes must be above 0", param="--minutes")
    # All is made before the clock runs, so that the clients only move bytes while it does.
    script = make_script(config)
    loads = _measure(args, script, sorted({1, *args.sessions}))
    emit_all("gateway", reports(loads, config), args.json)
    return 0


def make_script(config: StreamsConfig) -> Script:
    voice = HibariSynthesizer()
    questions, long_questions, interruptions = (
        speak(voice, texts) for texts in (QUESTIONS, LONG_QUESTIONS, INTERRUPTIONS)
    )
    return Script(questions, long_questions, interruptions, sample_pictures(config.models))


def _measure(args: argparse.Namespace, script: Script, numbers: Sequence[int]) -> list[Load]:
    seconds = args.minutes * 60
    loads = []
    with ServerProcess(args.config) as server, Progress(console=Console(stderr=True)) as progress:
        for sessions in numbers:
            task = progress.add_task(f"sessions: {sessions}", total=seconds)
            move = partial(_move, progress, task)
            loads.append(asyncio.run(run_load(server.url, script, sessions, seconds, args.seed, move)))
    return loads


def _move(progress: Progress, task: TaskID, seconds: float) -> None:
    progress.update(task, completed=seconds)
