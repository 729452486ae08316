"""``streams bench barge-in``: from a word spoken over an answer to the last sound of it."""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from speech.audio import Resampler
from speech.hibari import HibariSynthesizer
from speech.listener import Listener
from speech.segmenter import SegmenterConfig, SpeechStarted
from speech.silero import SileroDetector, load_silero
from speech.vad import VAD_RATE
from streams.bench.caller import CHUNK_MS, Caller, Phrase, calling, speak
from streams.bench.exchange import Exchange
from streams.bench.questions import INTERRUPTIONS, LONG_QUESTIONS, sample_pictures
from streams.bench.report import Cell, Column, Report, emit
from streams.bench.server_process import ServerProcess
from streams.client import WIRE_RATE
from streams.config import SpeechConfig, StreamsConfig
from streams.errors import ConfigError, StreamsError
from streams.types import US_PER_MS

AFTER_S = (0.3, 2.0)
"""Of an answer that are heard before it is spoken over."""

PAUSE_S = (0.5, 1.5)
BEFORE_S = 1
"""Silence that the detector hears before a phrase."""

COLUMNS = (
    Column("says", "says"),
    Column("times", "times", "d"),
    Column("last_audio_ms", "last audio ms", ".0f"),
    Column("vad_ms", "VAD's window ms", ".0f"),
    Column("beyond_ms", "beyond it ms", ".0f"),
)


@dataclass(frozen=True, slots=True)
class BargeIn:
    """One interruption. ``last_audio_ms`` is 0 when no sound came after its first sample was sent."""

    phrase: str
    last_audio_ms: float
    vad_ms: float

    @property
    def beyond_ms(self) -> float:
        return self.last_audio_ms - self.vad_ms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=40, metavar="N", help="how many interruptions (40)")
    parser.add_argument("--seed", type=int, default=0, help="of what is said when (0)")
    parser.add_argument("--no-camera", action="store_true", help="voice alone, without video beside it")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError for a number that cannot be, StreamsError when nothing was interrupted."""
    if args.turns < 1:
        raise ConfigError("--turns must be above 0", param="--turns")
    voice = HibariSynthesizer()
    questions, interruptions = speak(voice, LONG_QUESTIONS), speak(voice, INTERRUPTIONS)
    windows_ms = {each.text: voice_window_ms(each, config.speech) for each in interruptions}
    pictures = [] if args.no_camera else sample_pictures(config.models)
    with ServerProcess(args.config) as server:
        turns = asyncio.run(
            _measure(server.url, pictures, questions, interruptions, args.turns, random.Random(args.seed))
        )
    found = [
        BargeIn(second.question, _last_audio_ms(first, second), windows_ms[second.question])
        for first, second in turns
        if first.status == "cancelled"
    ]
    if not found:
        raise StreamsError("no answer was interrupted")
    emit(report(found, len(turns)), args.json)
    return 0


def voice_window_ms(phrase: Phrase, config: SpeechConfig) -> float:
    """How much of ``phrase`` voice activity detection has to hear before it knows of it."""
    listener = Listener(SileroDetector(load_silero()), SegmenterConfig.from_config(config))
    resampler = Resampler(WIRE_RATE, VAD_RATE)
    before = np.zeros(BEFORE_S * WIRE_RATE, np.float32)
    samples = resampler.push(np.concatenate([before, phrase.samples]))
    step = VAD_RATE * CHUNK_MS // 1_000
    for start in range(0, len(samples), step):
        heard = listener.push(samples[start : start + step], VAD_RATE)
        if any(isinstance(each, SpeechStarted) for each in heard):
            return listener.end_us / US_PER_MS - BEFORE_S * 1_000
    raise StreamsError(f"no voice is found in '{phrase.text}'")


async def _measure(
    url: str,
    pictures: Sequence[bytes],
    questions: Sequence[Phrase],
    interruptions: Sequence[Phrase],
    count: int,
    rng: random.Random,
) -> list[tuple[Exchange, Exchange]]:
    turns = []
    async with calling(url, pictures) as caller:
        for number in track(range(count), "interrupting", console=Console(stderr=True)):
            interruption = interruptions[number % len(interruptions)]
            turns.append(
                await caller.ask_and_interrupt(rng.choice(questions), interruption, rng.uniform(*AFTER_S))
            )
            _check(caller)
            await asyncio.sleep(rng.uniform(*PAUSE_S))
    return turns


def _check(caller: Caller) -> None:
    if caller.heard.errors:
        raise StreamsError(f"the server told of errors: {dict(caller.heard.errors)}")


def _last_audio_ms(first: Exchange, second: Exchange) -> float:
    """From the first sample of the second question sent to the last sound of the first answer received."""
    assert first.last_audio_s is not None, "interrupted before it spoke"
    assert second.voice_start_s is not None, "answered before it was asked"
    return max(first.last_audio_s - second.voice_start_s, 0.0) * 1e3


def report(found: Sequence[BargeIn], turns: int) -> Report:
    """A row for each phrase (medians), then p50 and p95 of all."""
    phrases = dict.fromkeys(each.phrase for each in found)
    rows = [_row(phrase, [each for each in found if each.phrase == phrase], 50) for phrase in phrases]
    rows += [_row(f"all, p{share}", found, share) for share in (50, 95)]
    notes = (
        f"{len(found)} of {turns} answers were interrupted; the others were over before",
        "from the first voiced sample sent to the last sound of the answer received, both at the client, "
        f"which sends sound in pieces of {CHUNK_MS} ms; 0 where none came after it",
        "the VAD's window is how much of the phrase voice activity detection hears before it tells of it, by "
        "itself on the same sound; its 32 ms windows lie a little differently in each turn",
    )
    return Report("barge-in", COLUMNS, tuple(rows), notes)


def _row(says: str, found: Sequence[BargeIn], share: int) -> dict[str, Cell]:
    return {
        "says": says,
        "times": len(found),
        **{
            name: float(np.percentile([getattr(each, name) for each in found], share))
            for name in ("last_audio_ms", "vad_ms", "beyond_ms")
        },
    }
