"""How well it is told when to speak, over all thresholds: within 2 s after something fell due counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.timeliness import matched

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
