"""``streams bench photos``: does the answer to "What do you see?" name what a real photograph shows?"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from rich.console import Console
from rich.progress import track

from gateway.assembly import Streams
from llm.answer import Answer
from llm.question import Question
from llm.steps import run as run_steps
from llm.stream import Stream
from streams.bench.bootstrap import interval
from streams.bench.report import Cell, Column, Report, emit_all
from streams.bench.variant import add_argument, variants
from streams.clock import Clock, ReplayClock
from streams.config import StreamsConfig
from streams.errors import ConfigError, StreamsError
from streams.events import Event, FrameSeen, SessionFailed
from streams.train.pictures.material import build_installer
from streams.train.pictures.photographs import Photograph, load_photographs
from streams.types import US_PER_S, Image

QUESTION = "What do you see?"
BY_NAMES, BY_SIGHT = "models.sight=names", "models.sight=embedded"
ASKED_US = US_PER_S
ANSWER_TOKENS = 24


@dataclass(frozen=True, slots=True)
class PhotoAnswer:
    """What came of one photograph: ``sure`` is what is surely seen, in words, "" for nothing."""

    photograph: Photograph
    sure: str
    answer: str

    @property
    def named(self) -> bool:
        return self.photograph.is_named_in(self.answer)

    @property
    def named_or_class(self) -> bool:
        return self.photograph.is_named_in(self.answer, by_class=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=int, metavar="N", help="only the first N")
    parser.add_argument("--question", default=QUESTION, help=f'what is asked ("{QUESTION}")')
    add_argument(parser)
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for numbers that cannot be, ModelError when photographs cannot be fetched."""
    if args.photos is not None and args.photos < 1:
        raise ConfigError("--photos must be above 0", param="--photos")
    # What the model sees and what it makes of names stand side by side, unless other settings are compared.
    beside = BY_SIGHT if config.models.sight == "names" else BY_NAMES
    settings = variants(config, args.variants or [beside])
    photographs = [*load_photographs("test", build_installer(config.models))][: args.photos]
    found = {
        name: asyncio.run(_look_at_all(setting, name, photographs, args.question))
        for name, setting in settings.items()
    }
    emit_all("photos", [summary(found), table(found)], args.json)
    return 0


async def _look_at_all(
    config: StreamsConfig, name: str, photographs: Sequence[tuple[Photograph, Image]], question: str
) -> list[PhotoAnswer]:
    streams = Streams.load(config)
    try:
        return [
            await look(streams, photograph, image, question)
            for photograph, image in track(photographs, f"looking, {name}", console=Console(stderr=True))
        ]
    finally:
        streams.close()


async def look(streams: Streams, photograph: Photograph, image: Image, question: str) -> PhotoAnswer:
    """Show ``image`` to a session of its own, as a camera does, and ask. Raises what fails in the session."""
    events: list[Event] = []
    clock = ReplayClock()

    def new_clock(start_us: int) -> Clock:
        return clock

    options = replace(streams.default_options(), modality="text", turn_detection=None)
    session = await streams.open_session(events.append, clock=new_clock, options=options)
    try:
        await session.append_frame(image, 0)
        await session.drain()
        clock.advance_to(ASKED_US)
        answer = await streams.backend.engine.run(lambda: _ask(session.stream, question))
    finally:
        await session.close()
    for event in events:
        if isinstance(event, SessionFailed):
            raise StreamsError(f"{photograph.file}: {event.error.message}")
    sure = next((event.text for event in events if isinstance(event, FrameSeen)), "")
    return PhotoAnswer(photograph, sure, answer)


def _ask(stream: Stream, text: str) -> str:
    answer = Answer(stream, Question(text, ASKED_US, ASKED_US), max_tokens=ANSWER_TOKENS, remember=False)
    run_steps(answer.prepare())
    return " ".join(answer.write(ASKED_US).split())


def summary(found: Mapping[str, Sequence[PhotoAnswer]]) -> Report:
    columns = (
        Column("setting", "setting"),
        Column("photographs", "photographs", "d"),
        Column("named", "named", ".1%"),
        Column("named_or_class", "named, or its class", ".1%"),
        Column("low", "from", ".1%"),
        Column("high", "to", ".1%"),
        Column("sure", "surely seen", ".1%"),
    )
    rows = tuple(_row(name, looks) for name, looks in found.items())
    notes = (
        "Named: the answer holds a name of the main object, in singular or plural; or one of its class. "
        "Interval of 95 % by drawing photographs anew. Surely seen: one is among the names that the encoder "
        "is sure of.",
    )
    return Report("real photographs", columns, rows, notes)


def _row(name: str, looks: Sequence[PhotoAnswer]) -> dict[str, Cell]:
    low, high = interval([[each.named_or_class] for each in looks], mean)
    return {
        "setting": name,
        "photographs": len(looks),
        "named": mean(each.named for each in looks),
        "named_or_class": mean(each.named_or_class for each in looks),
        "low": low,
        "high": high,
        "sure": mean(each.photograph.is_named_in(each.sure, by_class=True) for each in looks),
    }


def table(found: Mapping[str, Sequence[PhotoAnswer]]) -> Report:
    """A row for each photograph, with the answers under each setting."""
    columns = [Column("photograph", "photograph"), Column("names", "right")]
    for number, name in enumerate(found, 1):
        columns += [Column(f"answer_{number}", name), Column(f"right_{number}", "")]
    rows: list[dict[str, Cell]] = []
    for looks in zip(*found.values(), strict=True):
        photograph = looks[0].photograph
        row: dict[str, Cell] = {
            "photograph": f"{photograph.package}/{photograph.file}",
            "names": photograph.names[0],
        }
        for number, each in enumerate(looks, 1):
            row[f"answer_{number}"] = each.answer
            row[f"right_{number}"] = "yes" if each.named else "class" if each.named_or_class else "no"
        rows.append(row)
    return Report("photographs one by one", tuple(columns), tuple(rows))
