"""How well it is told when to speak: speaking within 2 s after something fell due counts.

Training, the bench of sight and benchmarks all go by the one rule that is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.types import US_PER_S

LATE_US = 2 * US_PER_S
"""How long after something fell due it may still be said; before that it is said too early."""
THRESHOLDS = tuple(step / 50 for step in range(1, 50))


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame at which something stood: how much the model wanted to speak (0..1), and whether it was due."""

    at_us: int
    urge: float
    due: bool


@dataclass(frozen=True, slots=True)
class Score:
    threshold: float
    precision: float
    recall: float
    f1: float


def matched(due_us: Sequence[int], spoken_us: Sequence[int]) -> list[tuple[int, int]]:
    """Places in ``due_us`` and in ``spoken_us`` that belong together, each in one pair at most.

    Each time due is met by the first time spoken from then on, if that is not above ``LATE_US`` later.
    """
    waiting = sorted(range(len(due_us)), key=lambda place: due_us[place])
    pairs = []
    for spoken in sorted(range(len(spoken_us)), key=lambda place: spoken_us[place]):
        at_us = spoken_us[spoken]
        reached = next((due for due in waiting if 0 <= at_us - due_us[due] <= LATE_US), None)
        if reached is not None:
            waiting.remove(reached)
            pairs.append((reached, spoken))
    return pairs


def best_score(streams: Sequence[Sequence[Frame]]) -> Score:
    """The best over all thresholds, of several streams' frames in time order; of equals the middle one."""
    scores = [score(streams, threshold) for threshold in THRESHOLDS]
    best = max(each.f1 for each in scores)
    equals = [each for each in scores if each.f1 == best]
    return equals[len(equals) // 2]


def score(streams: Sequence[Sequence[Frame]], threshold: float) -> Score:
    """Each time due is met by the first time spoken within 2 s from then; other times are false alarms."""
    due = spoken = met = 0
    for frames in streams:
        due_us = [frame.at_us for frame in frames if frame.due]
        spoken_us = [frame.at_us for frame in frames if frame.urge > threshold]
        due += len(due_us)
        spoken += len(spoken_us)
        met += len(matched(due_us, spoken_us))
    precision = met / spoken if spoken else 0.0
    recall = met / due if due else 0.0
    f1 = 2 * precision * recall / (precision + recall) if met else 0.0
    return Score(threshold, precision, recall, f1)
