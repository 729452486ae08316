"""Questions as people speak them: an opening word now and then, and no care for capitals."""

from __future__ import annotations

import random
from dataclasses import replace

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
    text = turn.text
    draw = rng.random()
    if turn.topic == "overheard" or not text:
        return turn
    if draw < OPENED_SHARE:
        first, _, rest = text.partition(" ")
        # A name, "I" and an abbreviation keep their capitals.
        first = first.lower() if first in _COMMON else first
        text = f"{rng.choice(OPENINGS)}{first} {rest}".rstrip()
    elif draw < OPENED_SHARE + LOWER_SHARE and text.split(" ")[0] in _COMMON:
        text = text[0].lower() + text[1:]
    return replace(turn, text=text)


_BEGIN = (
    "What Which Where When Who How Did Do Does Was Were Is Are Can Could Tell Say Name Describe Count Let "
    "Have Please The At On In From Say Whereabouts Give Report Warn Speak Call My We There"
)
_COMMON = frozenset(_BEGIN.split())
