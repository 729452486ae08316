"""Whether the microphone hears what the loudspeaker plays, by energies in bands.

Energies vary with the speech alone and hardly with the room, so nothing has to be learned of its response
but the delay and one gain a band; compare Faller and Chen (2005), "Suppressing acoustic echo in a spectral
envelope space". A user who talks over the echo adds energy that the gains do not explain.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.vad import VAD_RATE, WINDOW_SAMPLES
from streams.types import Samples

Bands = NDArray[np.float64]

FRAME = 2 * WINDOW_SAMPLES
STEP = 128
"""Samples from one delay that is tried to the next: 8 ms."""
LAGS = 80
"""Delays of up to 632 ms."""
PLAYED_SAMPLES = FRAME + (LAGS - 1) * STEP

_EDGES_HZ = 700 * (10 ** (np.linspace(150, 2_800, 25) / 2_595) - 1)
"""Even on the mel scale, from 100 Hz to 7.7 kHz."""
_EDGES = np.unique(np.round(_EDGES_HZ * FRAME / VAD_RATE).astype(int))
_BANDS = len(_EDGES) - 1
_SHAPE = np.hanning(FRAME)
_FLOOR = 1e-6
_SILENT = float(np.log10(_FLOOR))
# In what follows energies are decimal logarithms: 0.1 is 1 dB.
_PLAYED = 2.0
"""Above silence, from where on a band is played."""
_TAIL = 0.1
"""Lost from one step to the next in a room that takes half a second to fall silent."""
_NOISE_WINDOWS = 48
_OVER_LEAST = 0.3
"""Noise over the least energy of ``_NOISE_WINDOWS``."""
_AUDIBLE, _LOUD = 0.5, 1.0
"""Over the noise."""
_MARGIN = 0.7
"""Energies of an echo scatter by so much around what the gains say."""
_KEPT_LIKENESS, _KEPT_GAIN = 0.93, 0.95
"""From one window to the next."""
_LEAST_WEIGHT = 0.5
_ENOUGH = 5 * _BANDS
"""Values heard lately from which a correlation tells something: five full windows."""
_LATE = 4
"""Windows that the right delay may be heard later than a wrong one, with less played before it."""
_SAME = 0.7
"""Correlation at the right delay; that of two voices stays below, whatever the delay."""


@dataclass(frozen=True, slots=True)
class Match:
    """``excess``: the share of the loud bands that the gains do not explain.

    ``likeness``: the correlation of what was played and heard lately, at the delay where it is largest;
    None once the delay is known, and while too little was heard.
    """

    excess: float
    likeness: float | None


class EchoBands:
    """State of one microphone beside one loudspeaker. All at 16 kHz."""

    def __init__(self) -> None:
        self._end: int | None = None
        self._played = np.full((LAGS, _BANDS), _SILENT)
        self._heard = np.full(_BANDS, _SILENT)
        self._noise: deque[Bands] = deque(maxlen=_NOISE_WINDOWS)
        self._gains = np.zeros((LAGS, _BANDS))
        self._weights = np.zeros((LAGS, _BANDS))
        self._sums = np.zeros((6, LAGS))
        self._lag: int | None = None
        self._unlike = 0

    def hear(self, frame: Samples) -> None:
        """Take in a ``frame`` of 1,024 samples beside which nothing is played: noise, or the user."""
        self._heard = _energies(frame[None])[0]
        self._noise.append(self._heard)

    def match(self, frame: Samples, played: Samples, end: int) -> Match:
        """Compare a ``frame`` with what was played up to ``end`` (a count of samples), where it ends.

        ``played``: ``PLAYED_SAMPLES``. Mutates what is known of noise and likeness, not the gains.
        """
        self.hear(frame)
        self._follow(played, end)
        noise = np.min(self._noise, axis=0) + _OVER_LEAST
        self._correlate(self._heard > noise + _AUDIBLE)
        likeness = self._likeness()
        best = int(np.argmax(likeness))
        if likeness[best] > _SAME:
            self._lag = best
        loud = self._heard > noise + _LOUD
        unexplained = loud & (self._heard > np.maximum(self._echo(), noise) + _MARGIN)
        excess = float(unexplained.sum() / max(int(loud.sum()), 1))
        self._unlike += self._lag is None and bool(self._sums[0, best] >= _ENOUGH)
        told = self._lag is None and self._unlike > _LATE
        return Match(excess, float(likeness[best]) if told else None)

    def learn(self) -> None:
        """The frame compared last was an echo, or silence: the gains follow it."""
        active = self._played > _SILENT + _PLAYED
        kept = np.where(active, _KEPT_GAIN, 1.0)
        self._gains = kept * self._gains + active * (self._heard - self._played)
        self._weights = kept * self._weights + active

    def _echo(self) -> Bands:
        """The energies that an echo may have.

        Before a gain is known it may be as loud as what is played; before the delay is, it may come
        with any.
        """
        known = self._weights > _LEAST_WEIGHT
        gains = np.where(known, self._gains / np.maximum(self._weights, _LEAST_WEIGHT), 0.0)
        if self._lag is None:
            return np.asarray((self._played + gains).max(axis=0))
        near = self._played[max(self._lag - 2, 0) : self._lag + 3].max(axis=0)
        return np.asarray(near + gains[self._lag])

    def _follow(self, played: Samples, end: int) -> None:
        """``_played[lag]`` becomes what was played ``lag`` steps ago, with the tail of a room."""
        steps, rest = divmod(end - self._end, STEP) if self._end is not None else (LAGS, 0)
        fresh = LAGS if rest or not 0 < steps < LAGS else steps
        self._end = end
        views = np.lib.stride_tricks.sliding_window_view(played, FRAME)[::-STEP]
        for energy in _energies(views[:fresh])[::-1]:
            self._played = np.roll(self._played, 1, axis=0)
            self._played[0] = np.maximum(energy, self._played[1] - _TAIL)

    def _correlate(self, audible: NDArray[np.bool_]) -> None:
        """Sums over bands and recent windows, for each lag, from which a correlation is made."""
        active = (self._played > _SILENT + _PLAYED) & audible
        x, y = np.where(active, self._played, 0.0), np.where(active, self._heard, 0.0)
        sums = np.stack([each.sum(axis=1) for each in (active, x, y, x * x, x * y, y * y)])
        self._sums = _KEPT_LIKENESS * self._sums + sums

    def _likeness(self) -> NDArray[np.float64]:
        """Correlation of log energies at each lag; 0 where too little was heard."""
        count, x, y, xx, xy, yy = self._sums
        n = np.maximum(count, 1)
        spread = np.maximum(xx / n - (x / n) ** 2, 0) * np.maximum(yy / n - (y / n) ** 2, 0)
        likeness = (xy / n - x * y / n**2) / np.sqrt(spread + 1e-4)
        return np.asarray(np.where(count >= _ENOUGH, likeness, 0.0))


def _energies(frames: Samples) -> Bands:
    """Of ``frames`` [n, 1024]: [n, bands]."""
    power = np.abs(np.fft.rfft(frames * _SHAPE, axis=1)) ** 2
    return np.asarray(np.log10(np.add.reduceat(power[:, : _EDGES[-1]], _EDGES[:-1], axis=1) + _FLOOR))
