"""``streams bench echo``: replies that come back through a loudspeaker, and users who talk over them.

Each room is drawn with its delay (10 to 500 ms), level (-30 to -6 dB), reverberation (0.1 to 0.6 s) and
noise. The thresholds of the gate were tuned on other rooms drawn in the same way; ``--half tune`` draws such.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from rich.console import Console
from rich.progress import track

from speech.echo_gate import EchoGate
from speech.hibari import HibariSynthesizer
from speech.listener import Listener
from speech.segmenter import SegmenterConfig, SpeechStarted
from speech.silero import SileroDetector, load_silero
from speech.vad import VAD_RATE
from streams.bench.echo_scene import REPLIES, Scene, Stage
from streams.bench.report import Cell, Column, Report, emit
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.types import US_PER_MS

LEVELS_DB = (-6.0, 0.0, 6.0, 12.0)
EARLY_US = 100 * US_PER_MS
"""The detector may find a voice so much before it is loud."""

COLUMNS = (
    Column("condition", "condition"),
    Column("scenes", "scenes"),
    Column("false_starts", "false starts"),
    Column("missed", "users missed"),
    Column("delay_median_ms", "delay median", ".0f"),
    Column("delay_p95_ms", "p95 ms", ".0f"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one scene: starts of speech outside the user's; how late the user's was found, None if not."""

    false_starts: int
    delay_ms: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rooms", type=int, default=40, metavar="N", help="how many (40)")
    parser.add_argument("--half", choices=("test", "tune"), default="test", help="which rooms are drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the rooms (0)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError when an argument is out of its bounds."""
    for name, least in (("rooms", 1), ("seed", 0)):
        if (value := getattr(args, name)) < least:
            raise ConfigError(f"--{name} {value}: at least {least}", param=f"--{name}")
    stage, weights = Stage(HibariSynthesizer(config.speech.voice)), load_silero()
    conditions: list[tuple[str, float | None, int, bool]] = [
        ("echo, no gate", None, 0, False),
        ("echo", None, 0, True),
        *((f"user {db:+.0f} dB, first reply", db, 0, True) for db in LEVELS_DB),
        *((f"user {db:+.0f} dB, last reply", db, REPLIES - 1, True) for db in LEVELS_DB),
    ]
    rows = []
    for name, over_db, reply, gated in track(conditions, "listening", console=Console(stderr=True)):
        outcomes = []
        for number in range(args.rooms):
            rng = np.random.default_rng((args.seed, args.half == "test", number))
            outcomes.append(listen(stage.scene(rng, over_db, reply), weights, gated=gated))
        rows.append(_row(name, outcomes, with_user=over_db is not None))
    notes = (
        f"{args.rooms} rooms, half {args.half}, {REPLIES} replies in each. A false start is speech found "
        "where only the echo is heard; each would interrupt a reply.",
        "User: another voice so many dB above the echo; delay from its first sound to the first voice found.",
        "In the first reply the room is not known yet.",
    )
    emit(Report("Echo", COLUMNS, tuple(rows), notes), args.json)
    return 0


def listen(scene: Scene, weights: onnxruntime.InferenceSession, *, gated: bool) -> Outcome:
    detector = SileroDetector(weights)
    gate = EchoGate(detector, lambda audio_us: audio_us)
    for chunk in scene.played:
        gate.sent(chunk)
    listener = Listener(gate if gated else detector, SegmenterConfig())
    heard = [*listener.push(scene.heard, VAD_RATE), *listener.flush()]
    starts = [item.voice_us for item in heard if isinstance(item, SpeechStarted)]
    if scene.user_us is None:
        return Outcome(len(starts), None)
    begin_us, end_us = scene.user_us
    own = [at_us for at_us in starts if begin_us - EARLY_US <= at_us < end_us]
    # What goes on in the echo after the user has begun is a matter of its end, not of a false start.
    false_starts = sum(at_us < begin_us - EARLY_US for at_us in starts)
    return Outcome(false_starts, max(own[0] - begin_us, 0) / US_PER_MS if own else None)


def _row(name: str, outcomes: Sequence[Outcome], *, with_user: bool) -> dict[str, Cell]:
    delays = [outcome.delay_ms for outcome in outcomes if outcome.delay_ms is not None]
    return {
        "condition": name,
        "scenes": len(outcomes),
        "false_starts": sum(outcome.false_starts for outcome in outcomes),
        "missed": len(outcomes) - len(delays) if with_user else None,
        "delay_median_ms": float(np.median(delays)) if delays else None,
        "delay_p95_ms": float(np.percentile(delays, 95)) if delays else None,
    }
