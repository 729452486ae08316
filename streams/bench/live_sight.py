"""``streams bench live-sight``: frames in real time while somebody talks, and what they cost the talk."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from gateway.assembly import Streams
from speech.hibari import HibariSynthesizer
from streams.bench.caller import Phrase, calling, speak
from streams.bench.exchange import Exchange
from streams.bench.questions import QUESTIONS, sample_pictures
from streams.bench.report import Cell, Column, Report, emit
from streams.bench.scrape import difference, scrape
from streams.config import StreamsConfig
from streams.errors import ConfigError, StreamsError
from streams.serve import new_server

PAUSE_S = 1.0
SETTLE_S = 2.0
"""After the last answer, for the frames that still wait."""

COLUMNS = (
    Column("fps", "frames/s sent", ".1f"),
    Column("frames_sent", "sent", "d"),
    Column("frames_read", "looked at", "d"),
    Column("frames_dropped", "dropped", "d"),
    Column("read_fps", "looked at/s", ".2f"),
    Column("answers", "answers", "d"),
    Column("p50_ms", "voice to voice p50 ms", ".0f"),
    Column("p95_ms", "p95 ms", ".0f"),
    Column("first_token_ms", "first token p50 ms", ".0f"),
)


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation with frames at ``fps``; ``seconds`` is how long they were sent."""

    fps: float
    frames_sent: int
    frames_read: int
    frames_dropped: int
    seconds: float
    exchanges: Sequence[Exchange]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fps", type=float, nargs="+", default=[5.0], metavar="N", help="frames a second, each in turn (5)"
    )
    parser.add_argument(
        "--questions", type=int, default=len(QUESTIONS), metavar="N", help=f"how many ({len(QUESTIONS)})"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for numbers that cannot be, StreamsError when a question got no answer."""
    if args.questions < 1 or min(args.fps) <= 0:
        raise ConfigError("--fps and --questions must be above 0", param="--fps")
    phrases = speak(HibariSynthesizer(), QUESTIONS[: args.questions])
    talks = [asyncio.run(_talk(config, 0.0, phrases))]
    talks += [asyncio.run(_talk(config, fps, phrases)) for fps in args.fps]
    emit(report(talks), args.json)
    return 0


async def _talk(config: StreamsConfig, fps: float, phrases: Sequence[Phrase]) -> Talk:
    """A session with frames at ``fps``, none at 0, every one of which is looked at."""
    server = config.server.model_copy(update={"port": 0, "clock": "wall"})
    video = config.video.model_copy(update={"sample_fps": fps, "duplicate_threshold": 0.0} if fps else {})
    pictures = sample_pictures(config.models, fps) if fps else []
    streams = Streams.load(config.model_copy(update={"server": server, "video": video}))
    try:
        async with new_server(streams) as gateway:
            before = await asyncio.to_thread(scrape, gateway.url)
            start = time.perf_counter()
            async with calling(gateway.url, pictures, fps or 1.0) as caller:
                for phrase in track(phrases, f"talking, {fps:g} frames/s", console=Console(stderr=True)):
                    exchange = await caller.ask(phrase)
                    if caller.heard.errors or not exchange.status:
                        raise StreamsError(
                            f"'{phrase.text}' got no answer; errors: {dict(caller.heard.errors)}"
                        )
                    await asyncio.sleep(PAUSE_S)
                seconds = time.perf_counter() - start
                sent = caller.frames_sent
                await asyncio.sleep(SETTLE_S)
                counted = difference(await asyncio.to_thread(scrape, gateway.url), before)
    finally:
        streams.close()
    dropped = sum(value for (name, _), value in counted.items() if name == "streams_frames_dropped_total")
    # Those sent while the last ones are waited for are not counted as sent, so not as looked at either.
    read = min(round(counted["streams_frames_seen_total", ""]), sent)
    return Talk(fps, sent, read, round(dropped), seconds, caller.heard.exchanges)


def report(talks: Sequence[Talk]) -> Report:
    notes = (
        "Client and gateway in one process, in real time. Every frame differs from the one before and is "
        "looked at (no duplicates are left out); the first row is the same conversation without video.",
        "Voice to voice: from the last voiced sample sent to the first sound received.",
    )
    return Report("frames beside a conversation", COLUMNS, tuple(_row(talk) for talk in talks), notes)


def _row(talk: Talk) -> dict[str, Cell]:
    heard = [each for exchange in talk.exchanges if (each := exchange.waited_ms("first_audio")) is not None]
    written = [each for exchange in talk.exchanges if (each := exchange.waited_ms("first_token")) is not None]
    return {
        "fps": talk.fps,
        "frames_sent": talk.frames_sent,
        "frames_read": talk.frames_read,
        "frames_dropped": talk.frames_dropped,
        "read_fps": talk.frames_read / talk.seconds,
        "answers": len(heard),
        "p50_ms": float(np.percentile(heard, 50)) if heard else None,
        "p95_ms": float(np.percentile(heard, 95)) if heard else None,
        "first_token_ms": float(np.percentile(written, 50)) if written else None,
    }
