"""How well turns were ended: cut-offs inside utterances, delays after them, ends that never came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streams.bench.turns_trial import Ends
from streams.types import US_PER_MS


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one utterance. ``cutoffs``: turns ended before its voice did; ``delay_ms`` None: no end after it."""

    cutoffs: int
    delay_ms: float | None
    missed: bool

    @classmethod
    def of(cls, ends: Ends, voice_end_us: int) -> Verdict:
        after = [at_us for at_us in ends.at_us if at_us >= voice_end_us]
        delay_ms = (after[0] - voice_end_us) / US_PER_MS if after else None
        return cls(len(ends.at_us) - len(after), delay_ms, ends.open and not after)


@dataclass(frozen=True, slots=True)
class Score:
    """Of one mode over a set. ``cut_off``: utterances with a cut-off; ``pauses``: those made inside them."""

    cutoffs: int
    cut_off: int
    utterances: int
    pauses: int
    median_ms: float | None
    p95_ms: float | None
    missed: int

    @classmethod
    def of(cls, verdicts: Sequence[Verdict], pauses: int) -> Score:
        delays = [verdict.delay_ms for verdict in verdicts if verdict.delay_ms is not None]
        return cls(
            cutoffs=sum(verdict.cutoffs for verdict in verdicts),
            cut_off=sum(verdict.cutoffs > 0 for verdict in verdicts),
            utterances=len(verdicts),
            pauses=pauses,
            median_ms=float(np.median(delays)) if delays else None,
            p95_ms=float(np.percentile(delays, 95)) if delays else None,
            missed=sum(verdict.missed for verdict in verdicts),
        )


def at_same_delay(curve: Sequence[Score], median_ms: float | None) -> float | None:
    """Cut-offs that ``curve`` has at ``median_ms``, between its points on straight lines; None outside it."""
    points = sorted((score.median_ms, score.cutoffs) for score in curve if score.median_ms is not None)
    if median_ms is None or not points or not points[0][0] <= median_ms <= points[-1][0]:
        return None
    delays, cutoffs = zip(*points, strict=True)
    return float(np.interp(median_ms, delays, cutoffs))
