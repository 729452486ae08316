"""``streams replay --benchmark NAME DIR``: all films of a benchmark, one after the other."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gateway.assembly import Streams, reader_hashes
from streams.bench.report import emit
from streams.benchmark.case import Film
from streams.benchmark.formats import FORMATS
from streams.benchmark.record import Videos
from streams.benchmark.results import Results
from streams.benchmark.score import report
from streams.benchmark.screening import Asking, Screening
from streams.config import StreamsConfig
from streams.errors import ConfigError, MediaError, StreamsError

RESULTS = "results.jsonl"
SECTIONS = ("models", "video", "speech", "memory", "llm")
MODELS = ("llm", "asr", "turn", "vision", "sight", "embedding")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for files that cannot be read, before models are loaded."""
    if args.video is None:
        raise ConfigError("--benchmark needs the folder of its files and videos", param="DIR")
    folder, files = Path(args.video), FORMATS[args.benchmark]
    out: Path = args.out or Path(f"benchmark-{args.benchmark}")
    if out.resolve() == folder.resolve():
        raise ConfigError(f"{out} holds what is asked; answers are written beside it", param="--out")
    videos = Videos(folder, available=args.available)
    films = files.read(folder, videos)[: args.films]
    letters = args.choices == "letters" or (args.choices == "auto" and config.models.llm != "embedded")
    asking = Asking(letters, config.llm.max_output_tokens)
    of = _settings(args.benchmark, config, asking, reader_hashes(config))
    results = Results(out / RESULTS, of)
    console = Console(stderr=True)
    failed = _screen(films, results, asking, config, console)
    outcomes = results.outcomes(films)
    if not outcomes:
        raise MediaError(f"no film of {folder} was streamed", param=str(folder))
    notes = (
        f"{len(films) - failed} films, {results.total('frames', films):.0f} frames, "
        f"{results.total('seconds', films):.0f} s; lost on the way: "
        f"{results.total('lost', films):.0f}; requests refused: "
        f"{results.total('refused', films):.0f}; failed: {failed}; left out, for the video is not there: "
        f"{len(videos.missing)}. {'Letters' if letters else 'Words'} of choices are weighed.",
    )
    emit(report(args.benchmark, outcomes, notes), args.json)
    for path in files.write(folder, {each.case.id: each for each in outcomes}, out):
        console.print(f"{path} written", highlight=False)
    return 1 if failed else 0


def _settings(
    benchmark: str, config: StreamsConfig, asking: Asking, reader: tuple[str, str]
) -> dict[str, object]:
    """What answers hang on. ``reader``: models are told by name, and weights that are trained again keep
    theirs."""
    sections = {name: getattr(config, name).model_dump(mode="json") for name in SECTIONS}
    # Where models and memories are kept changes nothing, nor does how many threads there are.
    sections["models"] = {key: sections["models"][key] for key in MODELS}
    sections["memory"].pop("dir")
    sections["llm"].pop("threads")
    asked = {"benchmark": benchmark, "letters": asking.letters, "max_tokens": asking.max_tokens}
    return asked | {"reader": list(reader)} | sections


def _screen(
    films: Sequence[Film], results: Results, asking: Asking, config: StreamsConfig, console: Console
) -> int:
    """Stream those that are not done. How many failed: a film that goes wrong is told and passed over."""
    waiting = [film for film in films if film not in results]
    console.print(f"{len(films)} films, {len(films) - len(waiting)} of them done before", highlight=False)
    if not waiting:
        return 0
    failed = 0
    streams = Streams.load(config)
    try:
        for number, film in enumerate(waiting, 1):
            label = f"[{number}/{len(waiting)}] {film.name}: {len(film.cases)} questions"
            console.print(label, markup=False, highlight=False)
            screening = Screening(streams, film, asking, console)
            try:
                seen = asyncio.run(screening.screen())
            except StreamsError as error:
                failed += 1
                console.print(f"    {error.message}", style="red", markup=False, highlight=False)
                continue
            results.append(film, screening.outcomes, seen)
    finally:
        streams.close()
    return failed
