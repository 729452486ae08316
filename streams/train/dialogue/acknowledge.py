"""What is said at once to who wants to be told later: the request was understood, and nothing is due yet."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from streams.train.sample import Dialogue, Topic, Turn

SHARE = 0.7
"""Of standing requests; the others come as settings, which nobody answers."""

ACKNOWLEDGEMENTS: Mapping[Topic, tuple[str, ...]] = MappingProxyType(
    {
        "alert": ("I will tell you.", "All right, I will tell you.", "Yes, I will let you know."),
        "narration": ("All right, I will say what I see.", "I will tell you what I see."),
    }
)


def acknowledged(dialogue: Dialogue, rng: random.Random) -> Dialogue:
    """``dialogue`` with most of its standing requests acknowledged."""
    return replace(dialogue, turns=tuple(_acknowledged(turn, rng) for turn in dialogue.turns))


def _acknowledged(turn: Turn, rng: random.Random) -> Turn:
    if turn.topic not in ACKNOWLEDGEMENTS or rng.random() >= SHARE:
        return turn
    return replace(turn, acknowledgement=rng.choice(ACKNOWLEDGEMENTS[turn.topic]))
