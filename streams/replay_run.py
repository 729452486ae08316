"""``streams replay``: a video and questions about it, or a benchmark of many."""

from __future__ import annotations

import argparse
import asyncio
import sys

from rich.console import Console

from gateway.assembly import Streams
from streams.benchmark.run import run as run_benchmark
from streams.config import StreamsConfig
from streams.document import write_document
from streams.errors import ConfigError
from streams.question import parse_question, read_questions
from streams.replay import Replay
from video.decode import MediaReader


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    if args.benchmark is not None:
        if args.ask or args.questions or args.session or args.realtime:
            raise ConfigError("a benchmark brings its own questions and times", param="--benchmark")
        return run_benchmark(args, config)
    questions = [parse_question(text) for text in args.ask]
    if args.questions is not None:
        questions += read_questions(args.questions)
    console = Console(stderr=True)
    if args.video is None and (args.session is None or not questions):
        raise ConfigError("a VIDEO to watch is needed, or --session NAME and --ask", param="VIDEO")
    if args.session is not None and config.memory.dir is None:
        raise ConfigError("--session needs --memory-dir, where sessions are kept", param="--session")
    if args.video is not None:
        with MediaReader(args.video):
            pass  # a source that cannot be read is said before models are loaded
    streams = Streams.load(config)
    try:
        replay = Replay(
            streams,
            args.video,
            realtime=args.realtime,
            console=console,
            name=args.session,
            proactive=args.proactive,
        )
        result = asyncio.run(replay.run(questions))
    finally:
        streams.close()
    if args.json is not None:
        write_document(result.to_json(), args.json)
    else:
        frames = result.to_json()["frames"]
        memory = result.to_json()["memory"]
        sys.stdout.write(f"frames {frames}\nmemory {memory}\n")
    return 0
