"""``streams bench recall``: are pictures that left the window found again when they are asked about?"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gateway.assembly import Streams
from streams.bench.report import Cell, Column, Report, emit
from streams.config import StreamsConfig
from streams.question import TimedQuestion
from streams.replay import Replay, ReplayAnswer
from streams.sample import SampleVideo, Scene, make_sample_video, sample_media
from streams.types import US_PER_S, format_time


@dataclass(frozen=True, slots=True)
class Probe:
    """A question about one scene, in words that the encoder does not use for it."""

    scene: str
    question: str


PROBES = (
    Probe("a cup of coffee", "What was there to drink?"),
    Probe("a cup of coffee", "What was in the cup?"),
    Probe("a cat", "Which pet did you see?"),
    Probe("a cat", "Did you see a cat?"),
    Probe("a motorcycle", "What vehicle with an engine did you see?"),
    Probe("a motorcycle", "Was there a motorbike?"),
    Probe("a rocket on its launch pad", "What was about to be launched into space?"),
    Probe("a rocket on its launch pad", "When did you see the rocket?"),
    Probe("a camera on a tripod", "What was the camera standing on?"),
    Probe("a camera on a tripod", "Did you see a tripod?"),
)
"""Two for each of five pictures: one by name or nearly so, one in other words."""

ASKED_FROM_S = 175
WINDOW_TOKENS = 64
"""Less than by default, so that all five have left the window well before they are asked about."""

COLUMNS = (
    Column("question", "question"),
    Column("scene", "picture"),
    Column("age_s", "seconds ago", ".0f"),
    Column("found", "recalled"),
    Column("place", "place by score"),
    Column("moments", "moments"),
    Column("first_token_ms", "first token ms", ".0f"),
    Column("answer", "answer"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    media = sample_media(config.models)
    memory = config.memory.model_copy(update={"window_tokens": WINDOW_TOKENS})
    config = config.model_copy(update={"memory": memory})
    streams = Streams.load(config)
    questions = [TimedQuestion((ASKED_FROM_S + i) * US_PER_S, each.question) for i, each in enumerate(PROBES)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            video = make_sample_video(media, Path(folder) / "sample.mp4")
            replay = Replay(streams, str(video.path), realtime=False, console=Console(stderr=True))
            result = asyncio.run(replay.run(questions))
    finally:
        streams.close()
    emit(report(video, result.answers, config), args.json)
    return 0


def report(video: SampleVideo, answers: tuple[ReplayAnswer, ...], config: StreamsConfig) -> Report:
    scenes = {scene.name: scene for scene in video.scenes}
    rows: list[dict[str, Cell]] = []
    for probe, answer in zip(PROBES, answers, strict=True):
        scene = scenes[probe.scene]
        place = _place(answer, scene)
        rows.append(
            {
                "question": probe.question,
                "scene": probe.scene,
                "age_s": (answer.asked_at_us - scene.end_us) / US_PER_S,
                "found": "yes" if place else "no",
                "place": place,
                "moments": len(answer.moments),
                "first_token_ms": answer.first_token_ms,
                "answer": answer.answer.replace("\n", " "),
            }
        )
    found = sum(row["found"] == "yes" for row in rows)
    pictures = {probe.scene for probe in PROBES}
    both = sum(all(r["found"] == "yes" for r in rows if r["scene"] == name) for name in pictures)
    notes = (
        f"recalled in {found} of {len(rows)} questions; "
        f"{both} of {len(pictures)} pictures were recalled in both of their questions",
        f"asked from {format_time(ASKED_FROM_S * US_PER_S)} on; at most {config.memory.recall_blocks} "
        f"moments recalled, {config.memory.window_tokens} tokens of frames in the window",
    )
    return Report("recall of pictures that left the window", COLUMNS, tuple(rows), notes)


def _place(answer: ReplayAnswer, scene: Scene) -> int | None:
    """The best place, by score, of a recalled moment inside ``scene``; None when there is none."""
    best_first = sorted(answer.moments, key=lambda moment: -moment.score)
    inside = (
        place
        for place, moment in enumerate(best_first, 1)
        if moment.start_us < scene.end_us and moment.end_us > scene.start_us
    )
    return next(inside, None)
