"""Questions as people speak them: an opening word now and then, and no care for capitals."""

from __future__ import annotations

import random
from dataclasses import replace

from streams.train.dialogue.told import NAMES
from streams.train.sample import Dialogue, Turn

OPENINGS = (
    "Wait, ",
    "Okay, ",
    "And ",
    "So, ",
    "Hey, ",
    "Now, ",
    "Well, ",
    "Streams, ",
    "Please, ",
    "Excuse me, ",
)
OPENED_SHARE, LOWER_SHARE = 0.15, 0.1


def spoken(dialogue: Dialogue, rng: random.Random) -> Dialogue:
    """``dialogue`` with some of what is said to the model begun otherwise; replies and times stay."""
    return replace(dialogue, turns=tuple(_spoken(turn, rng) for turn in dialogue.turns))


def _spoken(turn: Turn, rng: random.Random) -> Turn:
    draw = rng.random()
    first, space, rest = turn.text.partition(" ")
    if turn.topic == "overheard" or draw >= OPENED_SHARE + LOWER_SHARE:
        return turn
    if first != "I" and first not in NAMES:
        first = first[:1].lower() + first[1:]
    opening = rng.choice(OPENINGS) if draw < OPENED_SHARE else ""
    return replace(turn, text=f"{opening}{first}{space}{rest}")
