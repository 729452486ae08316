"""Utterances for ``streams bench turns``: synthesised, with pauses inside, and noise; the same for a seed.

A pause is made in one of two manners. ``cut``: the sentence is spoken whole and cut open between two
words, so that the voice does not fall before the pause. ``apart``: the parts are spoken on their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Literal, TypeAlias

import numpy as np

from speech.asr import ASR_RATE
from speech.audio import resample
from speech.tts import Synthesizer
from streams.bench.alignment import matching_places
from streams.bench.noise import make_noise
from streams.bench.turns_noise import DISTURBANCES, babble, coughs, hum, keys, music, street
from streams.bench.turns_script import MARK, TEST, TUNE, Half, Kind
from streams.types import US_PER_S, Samples

Manner: TypeAlias = Literal["cut", "apart"]

SCRIPTS: Mapping[Half, Mapping[Kind, tuple[str, ...]]] = {"tune": TUNE, "test": TEST}
BEFORE_S, AFTER_S = 0.8, 10.5
CUT_SHARE = 0.6
"""Of the utterances with a pause; the rest are spoken in parts."""
MATCH_S = 0.06
SPEEDS = (0.85, 1.2)
PITCHES = (0.82, 1.2)
MAX_LOSS_DB = 18.0
FLOOR_DB = 40.0
"""How far below the voice the noise of the room is."""
SNRS_DB = (8.0, 20.0)
QUIET_SHARE = 0.5
"""Of the utterances: without a disturbance."""
VOICE_LEVEL = 0.02
"""Of a clip's peak: what is above it is voice."""
KEPT_S = 0.02
"""Of the decay of a word, kept where silence is taken out."""
PAUSE_MEDIAN_S, PAUSE_SPREAD, PAUSES_S = 0.65, 0.5, (0.3, 1.8)
BREATHS_S = (0.15, 0.5)
"""Pauses before trailing words and between sentences, which are shorter than those of somebody searching."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """``samples``: float32 at 16 kHz. Voice begins and ends at ``voice_start_us`` and ``voice_end_us``."""

    text: str
    kind: Kind
    manner: Manner
    disturbance: str
    samples: Samples
    voice_start_us: int
    voice_end_us: int
    pauses_ms: tuple[int, ...]


class TurnSet:
    """Utterances of one half of the script."""

    def __init__(self, half: Half, synthesizer: Synthesizer, seed: int = 0) -> None:
        self._half = half
        self._synthesizer = synthesizer
        self._seed = seed
        # By turns of each kind, so that a few utterances already hold them all.
        columns = zip_longest(*([(kind, line) for line in lines] for kind, lines in SCRIPTS[half].items()))
        self.lines = [line for column in columns for line in column if line is not None]
        self._voices: list[Samples] = []

    def utterances(self, count: int) -> Iterator[Utterance]:
        """``count`` of them; past the number of lines each is said once more, in another way."""
        for number in range(count):
            kind, line = self.lines[number % len(self.lines)]
            yield self._make(kind, line, np.random.default_rng((self._seed, self._half == "test", number)))

    def _make(self, kind: Kind, line: str, rng: np.random.Generator) -> Utterance:
        parts = [part.strip() for part in line.split(MARK)]
        pitch = rng.uniform(*PITCHES)
        speed = rng.uniform(*SPEEDS)
        manner: Manner = "cut" if rng.random() < CUT_SHARE else "apart"
        pauses = [_draw_pause(kind, rng) for _ in parts[1:]]
        pieces = [_voiced(self._say(part, speed, pitch)) for part in _unfinished(parts)]
        if manner == "cut" and pauses:
            pieces = self._cut(parts, pieces, speed, pitch)
        joined = [pieces[0]]
        for pause, piece in zip(pauses, pieces[1:], strict=True):
            joined += [np.zeros(pause, np.float32), piece]
        voice = np.concatenate(joined)
        disturbance, samples = self._disturb(voice, rng)
        samples *= np.float32(10 ** (-rng.uniform(0, MAX_LOSS_DB) / 20) / np.abs(samples).max())
        start = int(BEFORE_S * ASR_RATE)
        return Utterance(
            text=" ".join(parts),
            kind=kind,
            manner=manner,
            disturbance=disturbance,
            samples=samples,
            voice_start_us=start * US_PER_S // ASR_RATE,
            voice_end_us=(start + len(voice)) * US_PER_S // ASR_RATE,
            pauses_ms=tuple(pause * 1_000 // ASR_RATE for pause in pauses),
        )

    def _say(self, text: str, speed: float, pitch: float) -> Samples:
        """Played ``pitch`` times as fast as it was spoken, which is higher by as much."""
        sound = self._synthesizer.synthesize(text, speed=speed / pitch)
        return resample(sound, round(self._synthesizer.rate * pitch), ASR_RATE)

    def _cut(
        self, parts: Sequence[str], pieces: Sequence[Samples], speed: float, pitch: float
    ) -> list[Samples]:
        """The whole sentence between the places that match the ends of ``pieces``; silences taken out."""
        whole = self._say(" ".join(parts), speed, pitch)
        ends = np.cumsum([len(piece) for piece in pieces])[:-1]
        places = matching_places([int(end) for end in ends], np.concatenate(pieces), whole)
        edges = [0, *(_quietest(whole, place) for place in places), len(whole)]
        return [_voiced(whole[begin:end]) for begin, end in pairwise(edges)]

    def _disturb(self, voice: Samples, rng: np.random.Generator) -> tuple[str, Samples]:
        """``voice`` between silences, in the noise of a room, and half the time with something else too."""
        before, after = int(BEFORE_S * ASR_RATE), int(AFTER_S * ASR_RATE)
        samples = np.pad(voice, (before, after))
        count, level = len(samples), np.sqrt(np.mean(voice[voice != 0] ** 2))
        samples += level * 10 ** (-FLOOR_DB / 20) * make_noise("pink", count, rng)
        if rng.random() < QUIET_SHARE:
            return "none", samples
        kind = DISTURBANCES[rng.integers(len(DISTURBANCES))]
        below = level * 10 ** (-rng.uniform(*SNRS_DB) / 20)
        match kind:
            case "hum":
                samples += below * hum(count, rng)
            case "music":
                samples += below * music(count, rng)
            case "babble":
                samples += below * babble(count, self._others(), rng)
            case "street":
                samples += below * street(count, rng)
            case "keys":
                samples += np.abs(voice).max() * rng.uniform(0.1, 0.5) * keys(count, rng)
            case "coughs":
                end = before + len(voice)
                places = [ASR_RATE // 10, end + int(rng.uniform(0.1, 1.5) * ASR_RATE)]
                samples += np.abs(voice).max() * rng.uniform(0.3, 0.8) * coughs(count, places, rng)
        return kind, samples.astype(np.float32)

    def _others(self) -> list[Samples]:
        """What people nearby say: sentences of the same half."""
        if not self._voices:
            lines = SCRIPTS[self._half]["plain"]
            self._voices = [self._say(line, 1.0, 0.9 + 0.02 * at) for at, line in enumerate(lines)]
        return self._voices


def _unfinished(parts: Sequence[str]) -> list[str]:
    """``parts`` as they are read on their own: a comma keeps the voice up where more is to come."""
    return [*(part if part[-1] in ",.?!" else f"{part}," for part in parts[:-1]), parts[-1]]


def _draw_pause(kind: Kind, rng: np.random.Generator) -> int:
    """Samples of silence: log-normal, as pauses in talk are, within bounds."""
    if kind in ("trailing", "sequel"):
        return int(rng.uniform(*BREATHS_S) * ASR_RATE)
    seconds = PAUSE_MEDIAN_S * np.exp(PAUSE_SPREAD * rng.standard_normal())
    return int(np.clip(seconds, *PAUSES_S) * ASR_RATE)


def _quietest(samples: Samples, place: int) -> int:
    """The middle of the quietest 20 ms around ``place``, which is exact to some hundredths of a second."""
    margin, width = int(MATCH_S * ASR_RATE), ASR_RATE // 50
    begin = max(place - margin, 0)
    energy = np.convolve(samples[begin : place + margin] ** 2, np.ones(width), "valid")
    return begin + int(np.argmin(energy)) + width // 2


def _voiced(samples: Samples) -> Samples:
    """``samples`` without the silence around the voice, but for a little, and without an edge that clicks."""
    loud = np.flatnonzero(np.abs(samples) > VOICE_LEVEL * np.abs(samples).max())
    kept = int(KEPT_S * ASR_RATE)
    voiced = samples[max(int(loud[0]) - kept, 0) : int(loud[-1]) + 1 + kept].copy()
    ramp = np.linspace(0, 1, kept, dtype=np.float32)
    voiced[:kept] *= ramp
    voiced[-kept:] *= ramp[::-1]
    return voiced
