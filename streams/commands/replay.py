"""Arguments of ``streams replay``."""

from __future__ import annotations

import argparse
from pathlib import Path

from streams.commands.serve import add_memory_dir

BENCHMARKS = ("streaming-bench", "ovo-bench", "rvs-ego", "rvs-movie", "qaego4d-mc")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "video",
        metavar="VIDEO",
        nargs="?",
        help="a video file or URL, or the folder of a --benchmark; without one, a kept --session is asked",
    )
    parser.add_argument(
        "--ask",
        action="append",
        default=[],
        metavar='"MM:SS question"',
        help="ask at that time of the video; may be given again",
    )
    parser.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        help='questions: lines "MM:SS question", or JSON [{"at": seconds or "MM:SS", "question": …}]',
    )
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--fast", action="store_true", help="as fast as the machine can (default)")
    speed.add_argument("--realtime", action="store_true", help="at the speed of the video")
    add_memory_dir(parser)
    parser.add_argument(
        "--session", metavar="NAME", help="keep the memory under this name in --memory-dir, or go on with it"
    )
    benchmark = parser.add_argument_group("benchmarks")
    benchmark.add_argument(
        "--benchmark", choices=BENCHMARKS, help="VIDEO is the folder of its question files and videos"
    )
    benchmark.add_argument(
        "--choices",
        choices=("auto", "letters", "texts"),
        default="auto",
        help="what of the choices is weighed (auto: texts for the embedded model, else letters)",
    )
    benchmark.add_argument(
        "--available", action="store_true", help="leave out questions about videos that are not there"
    )
    benchmark.add_argument("--films", type=int, metavar="N", help="only the first N videos")
    benchmark.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="results and predictions (benchmark-NAME); what is there is gone on with",
    )
    parser.add_argument(
        "--proactive",
        choices=("off", "alerts", "narration"),
        default="off",
        help="let it speak up by itself: when asked to ('00:00 Tell me when ...'), or of all that is new",
    )
    parser.add_argument("--json", metavar="FILE", help="write the answers as JSON; - is standard output")
