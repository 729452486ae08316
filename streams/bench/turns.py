"""``streams bench turns``: ends of turns, found by silence alone and by sound, words and silence.

Utterances are synthesised with pauses inside, trailing words and noise. Every mode hears the same ones on
the code that runs live. The thresholds of ``speech.patience`` were tuned on ``--half tune``; what is
reported is ``--half test``, which shares no sentence with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track

from gateway.models import build_registry
from speech.hibari import HibariSynthesizer
from speech.segmenter import PAUSE_MS
from speech.silero import SileroDetector, load_silero
from speech.smart_turn import SmartTurn
from speech.whisper import WhisperRecognizer
from streams.bench.report import Cell, Column, Report, emit_all
from streams.bench.turns_score import Score, Verdict, at_same_delay
from streams.bench.turns_set import TurnSet, Utterance
from streams.bench.turns_trial import Ends, Mode, Pace, Trial
from streams.config import StreamsConfig
from streams.conversation import Eagerness
from streams.errors import ConfigError

SILENCES_MS = (200, 300, 400, 500, 600, 700, 800, 1_000, 1_200, 1_500)
EAGERNESS: tuple[Eagerness, ...] = ("high", "auto", "low")
JUDGED = "semantic_vad auto"
DEFAULT_VAD = "server_vad 500 ms"

COLUMNS = (
    Column("mode", "mode"),
    Column("cutoffs", "cut-offs"),
    Column("cut_off", "utterances cut"),
    Column("cut_off_share", "of all", ".1%"),
    Column("pause_share", "of pauses", ".1%"),
    Column("median_ms", "delay median", ".0f"),
    Column("p95_ms", "p95 ms", ".0f"),
    Column("missed", "never ended"),
    Column("server_cutoffs", "server_vad at this delay", ".1f"),
)
KIND_COLUMNS = (
    Column("kind", "kind"),
    Column("utterances", "utterances"),
    Column("pauses", "pauses"),
    Column("server", f"cut-offs, {DEFAULT_VAD}"),
    Column("semantic", f"cut-offs, {JUDGED}"),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One utterance and where each mode ended its turns."""

    utterance: Utterance
    ends: dict[str, Ends]

    def verdict(self, mode: str) -> Verdict:
        return Verdict.of(self.ends[mode], self.utterance.voice_end_us)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--utterances", type=int, default=130, metavar="N", help="how many (130)")
    parser.add_argument(
        "--half", choices=("test", "tune"), default="test", help="test is reported; tune is for thresholds"
    )
    parser.add_argument("--seed", type=int, default=0, help="of pauses, voices and noise (0)")
    parser.add_argument(
        "--sound-ms", type=int, default=60, metavar="MS", help="taken by the turn detector (60)"
    )
    parser.add_argument("--words-ms", type=int, default=500, metavar="MS", help="taken by recognition (500)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Raises ConfigError when an argument is out of its bounds, and what the registry raises."""
    for name, least in (("utterances", 1), ("seed", 0), ("sound_ms", 0), ("words_ms", 0)):
        if (value := getattr(args, name)) < least:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{flag} {value}: at least {least}", param=flag)
    modes = [
        *map(Mode.server_vad, SILENCES_MS),
        *(Mode.semantic_vad(eagerness) for eagerness in EAGERNESS),
    ]
    heard = _hear(args, config, modes)
    scores = {mode.name: _score(heard, mode.name) for mode in modes}
    curve = [score for name, score in scores.items() if name.startswith("server")]
    table = Report(
        f"Ends of turns, half {args.half}",
        COLUMNS,
        tuple(_row(name, score, curve) for name, score in scores.items()),
        _notes(args, heard, scores[JUDGED], curve),
    )
    emit_all("turns", [table, _by_kind(heard)], args.json)
    return 0


def _hear(args: argparse.Namespace, config: StreamsConfig, modes: Sequence[Mode]) -> list[Tried]:
    registry = build_registry(config.models)
    asr, turn = (registry.resolve(role).path for role in ("asr", "turn"))
    assert asr is not None
    assert turn is not None
    recognizer, detector, weights = WhisperRecognizer(str(asr)), SmartTurn(turn), load_silero()
    pace = Pace(args.sound_ms, args.words_ms)
    turns = TurnSet(args.half, HibariSynthesizer(), args.seed)
    heard = []
    for utterance in track(
        turns.utterances(args.utterances),
        "listening",
        total=args.utterances,
        console=Console(stderr=True),
    ):
        trial = Trial(utterance.samples, SileroDetector(weights), detector, recognizer)
        heard.append(Tried(utterance, {mode.name: trial.run(mode, pace) for mode in modes}))
    return heard


def _score(heard: Sequence[Tried], mode: str) -> Score:
    pauses = sum(len(each.utterance.pauses_ms) for each in heard)
    return Score.of([each.verdict(mode) for each in heard], pauses)


def _row(name: str, score: Score, curve: Sequence[Score]) -> dict[str, Cell]:
    return {
        "mode": name,
        "cutoffs": score.cutoffs,
        "cut_off": score.cut_off,
        "cut_off_share": score.cut_off / score.utterances,
        "pause_share": score.cutoffs / score.pauses if score.pauses else None,
        "median_ms": score.median_ms,
        "p95_ms": score.p95_ms,
        "missed": score.missed,
        "server_cutoffs": None if name.startswith("server") else at_same_delay(curve, score.median_ms),
    }


def _by_kind(heard: Sequence[Tried]) -> Report:
    rows: list[dict[str, Cell]] = []
    for kind in dict.fromkeys(each.utterance.kind for each in heard):
        own = [each for each in heard if each.utterance.kind == kind]
        rows.append(
            {
                "kind": kind,
                "utterances": len(own),
                "pauses": sum(len(each.utterance.pauses_ms) for each in own),
                "server": _score(own, DEFAULT_VAD).cutoffs,
                "semantic": _score(own, JUDGED).cutoffs,
            }
        )
    return Report("Cut-offs by kind", KIND_COLUMNS, tuple(rows))


def _notes(
    args: argparse.Namespace, heard: Sequence[Tried], judged: Score, curve: Sequence[Score]
) -> tuple[str, ...]:
    loud = sum(each.utterance.disturbance != "none" for each in heard)
    missed = sorted({each.utterance.disturbance for each in heard if each.verdict(JUDGED).missed})
    notes = [
        f"{judged.utterances} utterances with {judged.pauses} pauses inside, {loud} of them disturbed.",
        "A cut-off is a turn ended before the voice was; delay is from the end of the voice to the decision.",
        f"Assumed, counted from {PAUSE_MS} ms of silence on: {args.sound_ms} ms for the turn detector, "
        f"{args.words_ms} ms for the words, at the same time.",
    ]
    if missed:
        notes.append(f"Turns that never ended: voice activity hears a voice in {', '.join(missed)}.")
    server = at_same_delay(curve, judged.median_ms)
    if server is None:
        notes.append(f"{JUDGED}'s median delay lies outside server_vad's curve: no comparison.")
    else:
        share = f", {judged.cutoffs / server:.2f} times as many" if server else ""
        notes.append(
            f"At the same median delay of {judged.median_ms:.0f} ms {JUDGED} makes {judged.cutoffs} cut-offs "
            f"and server_vad {server:.1f}{share}."
        )
    return tuple(notes)
