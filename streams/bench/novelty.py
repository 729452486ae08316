"""``streams bench novelty``: visual tokens saved where a frame shows nothing new, and what is missed."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import track

from gateway.assembly import Streams
from gateway.backend import Backend
from llm.novelty import Granularity, NoveltyFilter
from llm.visual import VisualTokens
from streams.bench.report import Column, Report, emit
from streams.config import StreamsConfig, VideoConfig
from streams.errors import ConfigError
from streams.train.dialogue.compose import make_dialogues
from streams.train.pictures.material import build_installer, gather
from streams.train.pictures.pool import POOL_SIZES, PicturePool
from streams.train.sample import Dialogue, Facts, Split
from streams.types import Frame
from video.sampling import Decision, Sampler

FRAMES = (24, 60)
SPLITS: tuple[Split, ...] = ("test", "validation")
BUDGETS: tuple[Granularity, ...] = ("frames", "tokens")
NOVELTIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)

COLUMNS = (
    Column("budget", "token_budget"),
    Column("novelty", "novelty", ".2f"),
    Column("frames", "frames read", ".0%"),
    Column("tokens", "tokens read", ".0%"),
    Column("missed", "news missed", "d"),
    Column("moved", "motion missed", "d"),
    Column("again", "read again", "d"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """A frame as the eye sees it, ``length`` tokens as a passage, and what it shows in truth."""

    visual: VisualTokens
    length: int
    facts: Facts

    @property
    def still(self) -> Facts:
        """All but which way it moved since the frame before."""
        return replace(self.facts, motion="")


@dataclass(slots=True)
class Outcome:
    """Counts of frames and tokens. ``missed``: frames that were not read although they show other things
    than the one read last; ``moved``: those not read in which something moved; ``again``: those that were
    read and show what the one before showed.
    """

    frames: int = 0
    tokens: int = 0
    frames_read: int = 0
    tokens_read: int = 0
    missed: int = 0
    moved: int = 0
    again: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=12, metavar="N", help="how many streams (12)")
    parser.add_argument("--seed", type=int, default=0, help="of the streams (0)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="of which set (test)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for numbers that cannot be or a model without an eye, ModelError."""
    if args.streams < 1:
        raise ConfigError("--streams must be above 0", param="--streams")
    streams = Streams.load(config)
    try:
        looks = _look(streams.backend, config, args)
    finally:
        streams.close()
    emit(report(looks, config.memory.window_tokens), args.json)
    return 0


def _look(backend: Backend, config: StreamsConfig, args: argparse.Namespace) -> list[list[Look]]:
    if backend.reader.eye is None:
        raise ConfigError("this model is told the names of what is seen: it has no eye", param="models.llm")
    pool = PicturePool(gather(args.split, build_installer(config.models)), POOL_SIZES[args.split])
    dialogues = [*make_dialogues(args.split, pool.facts, pool.shots, args.streams, args.seed, frames=FRAMES)]
    return [
        [look(backend, frame, facts) for frame, facts in sampled(config.video, _shown(pool, dialogue))]
        for dialogue in track(dialogues, "looking", console=Console(stderr=True))
    ]


def _shown(pool: PicturePool, dialogue: Dialogue) -> Iterator[tuple[Frame, Facts]]:
    for seen in dialogue.frames:
        yield Frame(seen.pts_us, pool.draw(seen.picture)), seen.facts


def sampled(config: VideoConfig, shown: Iterable[tuple[Frame, Facts]]) -> Iterator[tuple[Frame, Facts]]:
    """Those of ``shown`` that a session would look at: no budget saves what sampling leaves out."""
    sampler = Sampler(config)
    return ((frame, facts) for frame, facts in shown if sampler.offer(frame) is Decision.KEEP)


def look(backend: Backend, frame: Frame, facts: Facts) -> Look:
    """``frame`` through the model's eye."""
    (visual,) = backend.see([frame])
    assert isinstance(visual, VisualTokens), "a model with an eye"
    return Look(visual, backend.reader.chat.sight(frame.pts_us, visual).tokens, facts)


def play(
    stream: Sequence[Look], granularity: Granularity, novelty: float, window_tokens: int, outcome: Outcome
) -> None:
    """What of ``stream`` a session with this budget would read. Mutates ``outcome``."""
    chooser, window = NoveltyFilter(granularity, novelty), deque[tuple[int, int]]()
    before: Facts | None = None
    for number, each in enumerate(stream, 1):
        outcome.frames += 1
        outcome.tokens += len(each.visual.embeddings)
        chosen = chooser.choose(each.visual, [block_id for block_id, _ in window])
        if chosen is None:
            outcome.missed += each.still != before
            outcome.moved += each.facts.motion != ""
            continue
        outcome.frames_read += 1
        outcome.tokens_read += len(chosen.embeddings)
        outcome.again += each.still == before and not each.facts.motion
        chooser.note_read(number, chosen)
        before = each.still
        window.append((number, each.length - len(each.visual.embeddings) + len(chosen.embeddings)))
        while sum(length for _, length in window) > window_tokens and len(window) > 1:
            window.popleft()


def report(streams: Sequence[Sequence[Look]], window_tokens: int) -> Report:
    """A row for each budget and threshold."""
    rows = []
    for granularity in BUDGETS:
        for novelty in NOVELTIES:
            outcome = Outcome()
            for stream in streams:
                play(stream, granularity, novelty, window_tokens, outcome)
            rows.append(
                {
                    "budget": granularity,
                    "novelty": novelty,
                    "frames": outcome.frames_read / outcome.frames,
                    "tokens": outcome.tokens_read / outcome.tokens,
                    "missed": outcome.missed,
                    "moved": outcome.moved,
                    "again": outcome.again,
                }
            )
    news = sum(_news(stream) for stream in streams)
    frames = sum(map(len, streams))
    moved = sum(each.facts.motion != "" for stream in streams for each in stream)
    return Report(
        "visual tokens",
        COLUMNS,
        tuple(rows),
        (
            f"{frames} sampled frames of {len(streams)} held-out streams: {news} show other things, colours, "
            f"places, counts or writing than the one before, and in {moved} something moved",
            "missed: of these, frames that were not read; read again: frames that show what the one read "
            "before showed, and were read all the same",
        ),
    )


def _news(stream: Sequence[Look]) -> int:
    before: Facts | None = None
    count = 0
    for each in stream:
        count += each.still != before
        before = each.still
    return count
