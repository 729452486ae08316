"""The two companding laws of telephony, ITU-T Recommendation G.711: a byte a sample, at 8 kHz.

Both laws are computed from the Recommendation's tables 1 and 2: a byte is a sign, one of eight segments
and one of sixteen equal intervals in it; each segment's intervals are twice as wide as those of the one
before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from speech.audio import PCM16_SCALE
from streams.types import Samples

G711_RATE = 8_000

_NEGATIVE = 0x80


class CompandingLaw:
    """Made from ``thresholds`` and ``levels``: where each of the 128 intervals of a magnitude begins, in 16
    bits, and the value that stands for it. ``inverted`` are the bits that the law inverts on the line.
    """

    def __init__(self, thresholds: Sequence[int], levels: Sequence[int], inverted: int) -> None:
        codes = np.arange(256) ^ inverted
        magnitudes = np.array(levels, np.float32)[codes & 0x7F] / np.float32(PCM16_SCALE)
        self._levels: Samples = np.where(codes & _NEGATIVE, magnitudes, -magnitudes)
        values = np.arange(-PCM16_SCALE, PCM16_SCALE)
        intervals = np.searchsorted(thresholds, np.abs(values), side="right") - 1
        signs = np.where(values < 0, 0, _NEGATIVE)
        self._codes = ((intervals | signs) ^ inverted).astype(np.uint8)

    def decode(self, data: bytes) -> Samples:
        """Each byte as a float32 in -1..1."""
        return self._levels[np.frombuffer(data, np.uint8)]

    def encode(self, samples: Samples) -> bytes:
        """A byte for each sample; what is louder than full scale is clipped."""
        values = np.clip(np.rint(samples * PCM16_SCALE), -PCM16_SCALE, PCM16_SCALE - 1).astype(np.int64)
        return self._codes[values + PCM16_SCALE].tobytes()


_INTERVALS = [divmod(code, 16) for code in range(128)]

# Table 2: magnitudes of 13 bits, in which the segments begin at powers of two less a bias of 33.
MU_LAW = CompandingLaw(
    thresholds=[4 * max((2 * interval + 32 << segment) - 33, 0) for segment, interval in _INTERVALS],
    levels=[4 * ((2 * interval + 33 << segment) - 33) for segment, interval in _INTERVALS],
    inverted=0x7F,
)

# Table 1: magnitudes of 12 bits; the first two segments are alike.
A_LAW = CompandingLaw(
    thresholds=[
        8 * (2 * interval + 32 * (segment > 0) << max(segment - 1, 0)) for segment, interval in _INTERVALS
    ],
    levels=[
        8 * (2 * interval + 32 * (segment > 0) + 1 << max(segment - 1, 0)) for segment, interval in _INTERVALS
    ],
    inverted=0x55,
)
