"""``streams demo``: makes a video, shows it to the gateway, talks about it, saves what was answered."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from gateway.assembly import Streams
from speech.audio import write_wav
from speech.hibari import HibariSynthesizer
from streams.bench.report import Column, Report
from streams.client import WIRE_RATE, RealtimeClient
from streams.config import ServerConfig, StreamsConfig
from streams.document import write_document
from streams.errors import StreamsError
from streams.sample import make_sample_video, sample_media
from streams.script import SCRIPT
from streams.serve import new_server
from streams.timeline import Timeline
from streams.viewer import SpokenLine, Viewer

COLUMNS = tuple(Column(key, key) for key in ("about", "question", "heard", "right", "answer", "accepted"))


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    console = Console(record=True)
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    config = config.model_copy(update={"server": _server(config.server, fast=args.fast)})
    streams = Streams.load(config)
    try:
        video = out / "sample.mp4"
        if not video.exists():
            console.print("making the sample video …")
            _make_video(config, video)
        viewer = asyncio.run(_demo(streams, video, console, fast=args.fast))
    finally:
        streams.close()
    save(viewer.exchanges, out)
    report = score(viewer.exchanges)
    console.print(f"\n{report.notes[0]}", style="bold", highlight=False)
    if args.json is not None:
        write_document(report.to_json(), args.json)
    console.print(f"Answers, transcript and this terminal (SVG) are in {out}/", highlight=False)
    console.save_svg(str(out / "terminal.svg"), title="streams demo")
    missing = [each.line.text for each in viewer.exchanges if not each.answer]
    if viewer.errors or missing:
        raise StreamsError(f"errors: {viewer.errors}; unanswered: {missing}")
    return 0


def _server(server: ServerConfig, *, fast: bool) -> ServerConfig:
    return server.model_copy(update={"port": 0, "clock": "media" if fast else "wall"})


def _make_video(config: StreamsConfig, video: Path) -> None:
    media = sample_media(config.models)
    partial = video.with_suffix(".partial.mp4")
    make_sample_video(media, partial)
    partial.replace(video)


async def _demo(streams: Streams, video: Path, console: Console, *, fast: bool) -> Viewer:
    voice = HibariSynthesizer()
    lines = [(line, voice.synthesize(line.text)) for line in SCRIPT]
    with Timeline(console) as timeline:
        viewer = Viewer(timeline, fast=fast)
        async with (
            new_server(streams) as server,
            RealtimeClient(server.url, viewer.on_event) as client,
        ):
            timeline.say("note", f"connected to {server.url}")
            try:
                await viewer.run(client, video, lines)
            except TimeoutError:
                raise StreamsError("an answer did not come in time") from None
    return viewer


def score(exchanges: Sequence[SpokenLine]) -> Report:
    """A row for each question that has a right answer; the first note counts those that were right."""
    asked = [each for each in exchanges if each.right is not None]
    rows = tuple(
        {
            "about": each.line.about,
            "question": each.line.text,
            "heard": each.heard,
            "right": "yes" if each.right else "no",
            "answer": each.answer.replace("\n", " "),
            "accepted": ", ".join(each.line.accepted),
        }
        for each in asked
    )
    return Report(
        "demo", COLUMNS, rows, (f"{sum(each.right is True for each in asked)} of {len(asked)} right",)
    )


def save(exchanges: Sequence[SpokenLine], out: Path) -> None:
    """WAV files of the answers and a transcript of the conversation."""
    text = []
    for number, exchange in enumerate(exchanges, 1):
        name = f"answer-{number:02}.wav"
        if exchange.sound:
            write_wav(out / name, np.concatenate(exchange.sound), WIRE_RATE)
        right = exchange.right
        stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in exchange.latency.items())
        text += [
            f"{number}. [{exchange.line.about}] said:  {exchange.line.text}",
            f"   heard: {exchange.heard}",
            f"   recalled: {'; '.join(exchange.recalled) or '-'}",
            f"   answer ({exchange.status}, {name}): {exchange.answer}",
            *([] if right is None else [f"   right: {'yes' if right else 'no'}"]),
            f"   from the end of the question: {stages}",
            "",
        ]
    (out / "transcript.txt").write_text("\n".join(text), "utf-8")
