"""Noise to add to speech, seeded: white, and pink, whose slope is that of a room full of voices."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from streams.types import Samples

NoiseKind: TypeAlias = Literal["white", "pink"]


def make_noise(kind: NoiseKind, count: int, rng: np.random.Generator) -> Samples:
    """``count`` samples with a root mean square of 1."""
    noise = rng.standard_normal(count)
    if kind == "pink":
        spectrum = np.fft.rfft(noise) / np.sqrt(np.maximum(np.arange(count // 2 + 1), 1))
        noise = np.fft.irfft(spectrum, count)
    samples: Samples = (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return samples


def add_noise(
    speech: Samples, kind: NoiseKind, snr_db: float, around: tuple[int, int], rng: np.random.Generator
) -> Samples:
    """``speech`` between ``around`` samples of pause, all of it under noise ``snr_db`` below the speech."""
    level = np.sqrt(np.mean(speech**2)) * 10 ** (-snr_db / 20)
    padded = np.pad(speech, around)
    noisy: Samples = (padded + level * make_noise(kind, len(padded), rng)).astype(np.float32)
    return noisy
