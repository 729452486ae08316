"""``streams bench speech``: how well and how soon speech is understood, beside the offline recogniser."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.models import build_registry
from speech.asr import ASR_RATE
from speech.audio import resample
from speech.hibari import HibariSynthesizer
from speech.silero import SileroDetector, load_silero
from speech.wer import normalize, word_errors
from speech.whisper import WhisperRecognizer
from streams.bench.listening import Listening, ListeningTrial
from streams.bench.noise import NoiseKind, add_noise, make_noise
from streams.bench.report import Cell, Column, Report, emit
from streams.bench.sentences import SENTENCES
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.types import US_PER_MS, US_PER_S, Samples

SNRS_DB = (40.0, 20.0, 10.0, 5.0)
NOISE_LEVEL = 0.05
NOISE_PIECE_S = 10
BEFORE_S, AFTER_S = 0.5, 1.2
VOICE_LEVEL = 0.02
"""Of a clean clip's peak: the last sample above it is the end of the speech."""

COLUMNS = (
    Column("condition", "sound"),
    Column("audio_s", "s", ".0f"),
    Column("streaming_wer", "WER", ".1%"),
    Column("offline_wer", "offline WER", ".1%"),
    Column("wait_ms_median", "wait", ".0f"),
    Column("compute_ms_median", "after", ".0f"),
    Column("final_ms_median", "final", ".0f"),
    Column("final_ms_p95", "p95", ".0f"),
    Column("streaming_false_words", "false words", "d"),
    Column("offline_false_words", "offline false", "d"),
    Column("real_time_factor", "RTF", ".2f"),
)


@dataclass(frozen=True)
class _Models:
    synthesizer: HibariSynthesizer
    recognizer: WhisperRecognizer
    config: StreamsConfig

    def listen(self, samples: Samples) -> Listening:
        detector = SileroDetector(load_silero())
        return ListeningTrial(detector, self.recognizer, self.config.speech).listen(samples)


@dataclass(frozen=True)
class _Spoken:
    """A sentence as sound at 16 kHz. ``voice_end_us`` is where its voice ends."""

    text: str
    samples: Samples
    voice_end_us: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sentences", type=int, default=len(SENTENCES), help=f"how many to speak, of {len(SENTENCES)}"
    )
    parser.add_argument("--noise-seconds", type=int, default=60, help="length of the silence and noise tests")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--json", metavar="FILE|-", help="write the figures as JSON, too")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Print the table. Raises ConfigError for a number of sentences that there is not."""
    if not 1 <= args.sentences <= len(SENTENCES):
        raise ConfigError(f"{args.sentences} sentences; there are {len(SENTENCES)}", param="--sentences")
    models = _load(config)
    spoken, speaking_ms = _speak(models.synthesizer, SENTENCES[: args.sentences])
    rows: list[dict[str, Cell]] = []
    heard: list[Listening] = []
    for snr_db in SNRS_DB:
        row, listenings = _speech_row(models, spoken, snr_db, args.seed)
        rows.append(row)
        heard += listenings
    for kind in ("silence", "white", "pink"):
        row, listening = _noise_row(models, kind, args.noise_seconds, args.seed)
        rows.append(row)
        heard.append(listening)
    emit(Report("Speech", COLUMNS, tuple(rows), _notes(config, heard, speaking_ms, len(spoken))), args.json)
    return 0


def _load(config: StreamsConfig) -> _Models:
    path = build_registry(config.models).resolve("asr").path
    return _Models(HibariSynthesizer(config.speech.voice), WhisperRecognizer(str(path)), config)


def _speak(synthesizer: HibariSynthesizer, sentences: Sequence[str]) -> tuple[list[_Spoken], list[float]]:
    spoken, speaking_ms = [], []
    for sentence in sentences:
        begin = time.perf_counter()
        sound = synthesizer.synthesize(sentence)
        speaking_ms.append(1e3 * (time.perf_counter() - begin))
        samples = resample(sound, synthesizer.rate, ASR_RATE)
        end = int(np.flatnonzero(np.abs(samples) > VOICE_LEVEL * np.abs(samples).max())[-1]) + 1
        voice_end_us = int(BEFORE_S * US_PER_S) + end * US_PER_S // ASR_RATE
        spoken.append(_Spoken(sentence, samples, voice_end_us))
    return spoken, speaking_ms


def _speech_row(
    models: _Models, spoken: Sequence[_Spoken], snr_db: float, seed: int
) -> tuple[dict[str, Cell], list[Listening]]:
    """One noise level: white noise under every other sentence, pink under the rest."""
    around = (int(BEFORE_S * ASR_RATE), int(AFTER_S * ASR_RATE))
    kinds: tuple[NoiseKind, NoiseKind] = ("white", "pink")
    offline, heard = [], []
    waits_ms, computes_ms, finals_ms = [], [], []
    audio_us = 0
    for at, sentence in enumerate(spoken):
        rng = np.random.default_rng((seed, at))
        samples = add_noise(sentence.samples, kinds[at % 2], snr_db, around, rng)
        audio_us += len(samples) * US_PER_S // ASR_RATE
        offline.append(models.recognizer.transcribe(samples).text)
        listening = models.listen(samples)
        heard.append(listening)
        if listening.stop_us is not None and listening.final_us is not None:
            waits_ms.append((listening.stop_us - sentence.voice_end_us) / US_PER_MS)
            computes_ms.append((listening.final_us - listening.stop_us) / US_PER_MS)
            finals_ms.append((listening.final_us - sentence.voice_end_us) / US_PER_MS)
    said = [sentence.text for sentence in spoken]
    streaming = [" ".join(word.text for word in listening.words) for listening in heard]
    row: dict[str, Cell] = {
        "condition": f"SNR {snr_db:.0f} dB",
        "audio_s": audio_us / US_PER_S,
        "streaming_wer": word_errors(said, streaming).rate,
        "offline_wer": word_errors(said, offline).rate,
        "unheard": sum(listening.stop_us is None for listening in heard),
        "real_time_factor": sum(listening.busy_us + sum(listening.vad_us) for listening in heard) / audio_us,
    }
    for name, values in (("wait", waits_ms), ("compute", computes_ms), ("final", finals_ms)):
        row[f"{name}_ms_median"] = _percentile(values, 50)
        row[f"{name}_ms_p95"] = _percentile(values, 95)
    return row, heard


def _noise_row(models: _Models, kind: str, seconds: int, seed: int) -> tuple[dict[str, Cell], Listening]:
    """Words heard where nothing is said. The offline recogniser hears pieces, and has no voice detector."""
    count = seconds * ASR_RATE
    samples: Samples = np.zeros(count, np.float32)
    if kind != "silence":
        shape: NoiseKind = "white" if kind == "white" else "pink"
        samples = NOISE_LEVEL * make_noise(shape, count, np.random.default_rng(seed))
    pieces = [samples[at : at + NOISE_PIECE_S * ASR_RATE] for at in range(0, count, NOISE_PIECE_S * ASR_RATE)]
    offline = [models.recognizer.transcribe(piece).text for piece in pieces]
    listening = models.listen(samples)
    row: dict[str, Cell] = {
        "condition": kind if kind == "silence" else f"{kind} noise",
        "audio_s": float(seconds),
        "streaming_false_words": len(listening.words),
        "offline_false_words": sum(len(normalize(text)) for text in offline),
        "real_time_factor": (listening.busy_us + sum(listening.vad_us)) / (seconds * US_PER_S),
    }
    return row, listening


def _notes(
    config: StreamsConfig, heard: Sequence[Listening], speaking_ms: Sequence[float], sentences: int
) -> tuple[str, ...]:
    vad_ms = [us / US_PER_MS for listening in heard for us in listening.vad_us]
    partial_ms = [us / US_PER_MS for listening in heard for us in listening.partial_us]
    utterances = sum(listening.utterances for listening in heard)
    reused = sum(listening.reused for listening in heard)
    return (
        f"{sentences} sentences, spoken by hibari, half under white and half under pink noise.",
        "WER: of the streaming transcript, and of the offline recogniser on the whole clip.",
        "False words: heard where nothing is said, by each of the two.",
        "From the end of the speech to the final transcript, median and 95th percentile in ms: "
        f"final = wait (for {config.speech.silence_duration_ms} ms of silence) + after (computing after it).",
        "RTF: computing time per second of sound.",
        f"{reused} of {utterances} final transcripts were hypotheses already made in that silence.",
        f"Median times: voice detector {_percentile(vad_ms, 50) or 0:.2f} ms a window, hypothesis "
        f"{_percentile(partial_ms, 50) or 0:.0f} ms (p95 {_percentile(partial_ms, 95) or 0:.0f}), synthesis "
        f"{_percentile(speaking_ms, 50) or 0:.0f} ms a sentence.",
    )


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None
