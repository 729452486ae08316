"""``streams bench voice``: from the end of a spoken question to the first sound of the answer."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.progress import track

from gateway.assembly import Streams
from speech.hibari import HibariSynthesizer
from streams.bench.caller import Phrase, calling, speak
from streams.bench.exchange import Exchange
from streams.bench.questions import QUESTIONS, sample_pictures
from streams.bench.report import Cell, Column, Report, emit
from streams.config import StreamsConfig
from streams.errors import StreamsError
from streams.serve import new_server

PAUSE_S = 1.0
STAGES = ("transcript", "recall", "first_token", "first_audio")

COLUMNS = (
    Column("question", "question"),
    Column("voice_to_voice_ms", "voice to voice ms", ".0f"),
    *(Column(f"{stage}_ms", f"{stage.replace('_', ' ')} ms", ".0f") for stage in STAGES),
    Column("answer", "answer"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--questions", type=int, default=len(QUESTIONS), metavar="N", help=f"how many ({len(QUESTIONS)})"
    )
    parser.add_argument("--no-camera", action="store_true", help="voice alone, without video beside it")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    server = config.server.model_copy(update={"port": 0, "clock": "wall"})
    # Before the clock runs: what is measured is the server, not this client.
    pictures = [] if args.no_camera else sample_pictures(config.models)
    phrases = speak(HibariSynthesizer(), QUESTIONS[: args.questions])
    streams = Streams.load(config.model_copy(update={"server": server}))
    try:
        exchanges = asyncio.run(_measure(streams, pictures, phrases))
    finally:
        streams.close()
    emit(_report(exchanges, config, camera=not args.no_camera), args.json)
    return 0


async def _measure(streams: Streams, pictures: Sequence[bytes], phrases: Sequence[Phrase]) -> list[Exchange]:
    async with new_server(streams) as server, calling(server.url, pictures) as caller:
        for phrase in track(phrases, "talking", console=Console(stderr=True)):
            exchange = await caller.ask(phrase)
            if caller.heard.errors or not exchange.status:
                raise StreamsError(f"'{phrase.text}' got no answer; errors: {dict(caller.heard.errors)}")
            await asyncio.sleep(PAUSE_S)
    return caller.heard.exchanges


def _report(exchanges: Sequence[Exchange], config: StreamsConfig, *, camera: bool) -> Report:
    rows: list[dict[str, Cell]] = [
        {
            "question": exchange.question,
            "voice_to_voice_ms": exchange.waited_ms("first_audio"),
            **{f"{stage}_ms": exchange.told_ms.get(stage) for stage in STAGES},
            "answer": exchange.answer,
        }
        for exchange in exchanges
    ]
    waits = [wait for exchange in exchanges if (wait := exchange.waited_ms("first_audio")) is not None]
    notes = (
        f"voice to voice: median {np.median(waits):.0f} ms, worst {max(waits):.0f} ms "
        f"over {len(waits)} questions, {'with' if camera else 'without'} video beside them",
        "from the last voiced sample sent to the first sound received, both at the client; of it "
        f"{config.speech.silence_duration_ms} ms is the silence that ends a turn. Stages are the server's.",
    )
    return Report("voice to voice", COLUMNS, tuple(rows), notes)
