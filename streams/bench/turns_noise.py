"""Sounds that are no turn, made by code and seeded: mains, music, a street, keys, coughs, others' speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from speech.asr import ASR_RATE
from streams.types import Samples

Disturbance: TypeAlias = Literal["hum", "music", "babble", "street", "keys", "coughs"]
DISTURBANCES: tuple[Disturbance, ...] = ("hum", "music", "babble", "street", "keys", "coughs")

VOICES = 5
KEYS_PER_S = 4.0
COUGH_S = 0.35
CAR_EVERY_S, CAR_S = 4.0, 0.8
SCALE_HZ = (220.0, 261.6, 293.7, 329.6, 392.0, 440.0)


def hum(count: int, rng: np.random.Generator) -> Samples:
    """Mains at 50 or 60 Hz with its harmonics."""
    mains_hz, times = rng.choice((50.0, 60.0)), np.arange(count) / ASR_RATE
    sound = sum(np.sin(2 * np.pi * mains_hz * n * times + rng.uniform(0, 6)) / n for n in range(1, 9))
    return _level(sound)


def music(count: int, rng: np.random.Generator) -> Samples:
    """Plucked chords of three notes, two a second."""
    sound = np.zeros(count)
    for begin in range(0, count, ASR_RATE // 2):
        times = np.arange(min(count - begin, ASR_RATE)) / ASR_RATE
        for hertz in rng.choice(SCALE_HZ, 3, replace=False):
            note = sum(np.sin(2 * np.pi * hertz * n * times) / n**2 for n in range(1, 5))
            sound[begin : begin + len(times)] += note * np.exp(-3 * times)
    return _level(sound)


def babble(count: int, voices: Sequence[Samples], rng: np.random.Generator) -> Samples:
    """Some of ``voices`` (16 kHz) at once, each over and over from a place of its own."""
    sound = np.zeros(count)
    for at in rng.choice(len(voices), VOICES, replace=False):
        repeated = np.resize(voices[at] / np.sqrt(np.mean(voices[at] ** 2)), count)
        sound += np.roll(repeated, int(rng.integers(count)))
    return _level(sound)


def street(count: int, rng: np.random.Generator) -> Samples:
    """Rumble that falls by 12 dB an octave above 100 Hz, with cars that pass every few seconds."""
    hertz = np.fft.rfftfreq(count, 1 / ASR_RATE)
    rumble = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) / (1 + (hertz / 100) ** 2), count)
    tyres = np.fft.irfft(
        np.fft.rfft(rng.standard_normal(count)) * np.exp(-(((hertz - 800) / 600) ** 2)), count
    )
    seconds = np.arange(count) / ASR_RATE
    passing = np.zeros(count)
    for _ in range(max(1, round(seconds[-1] / CAR_EVERY_S))):
        passing += rng.uniform(0.3, 1) * np.exp(-(((seconds - rng.uniform(0, seconds[-1])) / CAR_S) ** 2))
    return _level(_level(rumble) + passing * _level(tyres))


def keys(count: int, rng: np.random.Generator) -> Samples:
    """A keyboard: ringing clicks of some milliseconds at random times."""
    sound = np.zeros(count)
    times = np.arange(ASR_RATE // 50) / ASR_RATE
    for begin in rng.integers(0, count - len(times), rng.poisson(KEYS_PER_S * count / ASR_RATE)):
        ring = np.sin(2 * np.pi * rng.uniform(1_500, 4_000) * times) + rng.standard_normal(len(times))
        sound[begin : begin + len(times)] += rng.uniform(0.5, 1) * ring * np.exp(-times / 0.003)
    return _peak(sound)


def cough(rng: np.random.Generator) -> Samples:
    """Two bursts of breath, 0.35 s in all."""
    count = int(COUGH_S * ASR_RATE)
    times = np.arange(count) / ASR_RATE
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / ASR_RATE)
    breath = np.fft.irfft(spectrum * np.exp(-(((hertz - 900) / 900) ** 2)), count)
    second = np.maximum(times - 0.18, 0)
    shape = np.minimum(times / 0.01, 1) * np.exp(-times / 0.06) + 0.6 * (second > 0) * np.exp(-second / 0.05)
    return _peak(breath * shape)


def coughs(count: int, places: Sequence[int], rng: np.random.Generator) -> Samples:
    """A cough from each of ``places`` (samples) on, as far as it fits into ``count``."""
    sound = np.zeros(count, np.float32)
    for place in places:
        one = cough(rng)[: max(count - place, 0)]
        sound[place : place + len(one)] += one
    return sound


def _level(sound: np.ndarray | float) -> Samples:
    """With a root mean square of 1."""
    sound = np.asarray(sound)
    return np.asarray(sound / np.sqrt(np.mean(sound**2)), np.float32)


def _peak(sound: np.ndarray) -> Samples:
    """With a largest magnitude of 1; silence stays silence."""
    return np.asarray(sound / max(float(np.abs(sound).max()), 1e-9), np.float32)
