"""``streams bench sight``: held-out streams, seen once and asked about at their times."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.assembly import Streams
from streams.bench.report import emit_all
from streams.bench.sight_ask import Asker
from streams.bench.sight_play import Played, Player, questions
from streams.bench.sight_report import MEASURES, answers, cost, differences, kinds, recalled, summary
from streams.bench.sight_unasked import unasked
from streams.bench.variant import add_argument, variants
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.train.dialogue.compose import make_dialogues
from streams.train.pictures.material import build_installer, gather
from streams.train.pictures.photograph_pool import PhotographPool
from streams.train.pictures.photographs import find_photographs
from streams.train.pictures.pool import POOL_SIZES, PicturePool
from streams.train.sample import Dialogue, Split

PICTURES = ("photographs", "drawings")
FRAMES = (24, 60)
"""From how many frames to how many a stream has."""
SPLITS: tuple[Split, ...] = ("test", "validation")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=12, metavar="N", help="how many streams (12)")
    parser.add_argument(
        "--pictures", choices=PICTURES, default=PICTURES[0], help="what streams are made of (photographs)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        nargs=2,
        default=FRAMES,
        metavar=("FROM", "TO"),
        help="frames of a stream (24 60)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the streams (0)")
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="test",
        help="pictures, styles and phrasings of which set (test); photographs are of the test alone",
    )
    add_argument(parser)
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for numbers that cannot be, ModelError when pictures cannot be fetched."""
    first, last = args.frames
    if args.streams < 1 or not 1 <= first <= last:
        raise ConfigError("--streams and --frames are above 0, and FROM is not above TO", param="--frames")
    if args.pictures == "photographs" and args.split != "test":
        raise ConfigError("photographs are of the test alone: there --pictures drawings", param="--split")
    settings = variants(config, args.variants)
    pool = _pool(args.pictures, args.split, config)
    made = make_dialogues(args.split, pool.facts, pool.shots, args.streams, args.seed, frames=(first, last))
    try:
        dialogues = tuple(made)
    except ValueError as error:  # too few pictures for streams of so many frames
        raise ConfigError(str(error), param="--frames") from error
    found = {name: _measure(setting, name, pool, dialogues) for name, setting in settings.items()}
    played, speaks = next(iter(found.values()))
    reports = [table(played, measure) for table in (answers, kinds) for measure in MEASURES]
    waited = [each for one in played for each in one.waited]
    reports += [differences(played), recalled(played), unasked(waited, speaks=speaks), cost(played)]
    if len(found) > 1:
        reports.append(summary({name: each for name, (each, _) in found.items()}))
    emit_all(f"sight, {args.pictures}", reports, args.json)
    return 0


def _pool(pictures: str, split: Split, config: StreamsConfig) -> PicturePool | PhotographPool:
    installer = build_installer(config.models)
    if pictures == "photographs":
        return PhotographPool(tuple(find_photographs(split, installer)))
    return PicturePool(gather(split, installer), POOL_SIZES[split])


def _measure(
    config: StreamsConfig, name: str, pool: PicturePool | PhotographPool, dialogues: Sequence[Dialogue]
) -> tuple[list[Played], bool]:
    """What came of ``dialogues``, and whether the model tells when to speak."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    streams = Streams.load(config)
    try:
        player = Player(streams, pool.draw, Asker())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(f"asking, {name}", total=sum(map(questions, dialogues)))
            played = [
                asyncio.run(player.play(dialogue, lambda: progress.advance(task))) for dialogue in dialogues
            ]
        return played, streams.backend.reader.speaking is not None
    finally:
        streams.close()
