"""Where in one sound the places of another are that says the same: dynamic time warping of mel spectra.

Dynamic programming as of Sakoe and Chiba (1978), without a slope constraint.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from speech.asr import ASR_RATE
from streams.types import Samples

HOP = ASR_RATE // 100
_MELS = FeatureExtractor(feature_size=80)


def matching_places(places: Sequence[int], one: Samples, other: Samples) -> list[int]:
    """For each of ``places`` (samples of ``one``, rising) the place in ``other``; both are at 16 kHz."""
    path = _warp(_distances(_spectra(one), _spectra(other)))
    frames = np.searchsorted(path[:, 0], [place // HOP for place in places])
    return [int(path[min(frame, len(path) - 1), 1]) * HOP for frame in frames]


def _spectra(samples: Samples) -> NDArray[np.float32]:
    """Float32 [frames, mels], each frame of length 1."""
    mels = np.asarray(_MELS(samples, padding=0), np.float32).T
    mels = mels - mels.mean(axis=0)
    return np.asarray(mels / (np.linalg.norm(mels, axis=1, keepdims=True) + 1e-6), np.float32)


def _distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 - one @ other.T, np.float32)


def _warp(distances: NDArray[np.float32]) -> NDArray[np.int64]:
    """The cheapest path through ``distances`` from corner to corner: int64 [steps, 2], rising."""
    costs = np.cumsum(distances, axis=1, dtype=np.float64)
    for row in range(1, len(costs)):
        above = np.minimum(costs[row - 1], np.concatenate([[np.inf], costs[row - 1][:-1]]))
        # A step to the right adds its distance only, so it is a running minimum over sums of the row.
        along = costs[row] - distances[row]
        costs[row] += np.minimum.accumulate(above - along)
    row, column = costs.shape[0] - 1, costs.shape[1] - 1
    path = [(row, column)]
    while row or column:
        steps = [(row - 1, column - 1), (row - 1, column), (row, column - 1)]
        row, column = min((step for step in steps if min(step) >= 0), key=lambda step: float(costs[step]))
        path.append((row, column))
    return np.array(path[::-1])
