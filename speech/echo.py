"""Whether what was heard is what was just being said: a reply that came back through the loudspeaker."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from speech.wer import normalize

MIN_WORDS = 2
"""One word is as likely the user's own."""
MAX_ERRORS = 0.3
"""Of the letters: what a recogniser gets wrong in an echo. Unrelated sentences differ in half of them."""
SHORT, MAX_ERRORS_SHORT = 16, 0.15
"""So few letters are found somewhere in a long reply by chance, if many may be wrong."""
INTERRUPTIONS = frozenset(["stop", "wait", "no", "but", "hold", "sorry", "quiet", "enough", "cancel", "what"])
"""Words that interrupt, though all around them may be echo."""

_NUMERALS = {
    "II": "second", "III": "third", "IV": "fourth", "V": "fifth", "VI": "sixth", "VII": "seventh",
    "VIII": "eighth", "IX": "ninth", "X": "tenth", "XI": "eleventh", "XII": "twelfth", "XIII": "thirteenth",
    "XIV": "fourteenth", "XV": "fifteenth", "XVI": "sixteenth",
}  # fmt: skip
_NUMBERED = re.compile(rf"\b([A-Z][a-z]+) ({'|'.join(_NUMERALS)})\b")
"""A king and the like, of whom there were several."""


def repeats(heard: str, spoken: str) -> bool:
    """Whether all of ``heard`` is found in ``spoken``, recognition errors allowed for.

    ``spoken`` is the text of what was being played. Compared by letters, so that a word heard as two, or
    as another that sounds alike, counts for little. Fewer than two words are never an echo.
    """
    words = normalize(heard)
    return len(words) >= MIN_WORDS and any(
        _repeats(words, normalize(text)) for text in dict.fromkeys((spoken, _as_said(spoken)))
    )


def _repeats(words: list[str], known: list[str]) -> bool:
    if (set(words) - set(known)) & INTERRUPTIONS:
        return False
    letters = "".join(words)
    share = MAX_ERRORS_SHORT if len(letters) < SHORT else MAX_ERRORS
    return _least_distance(letters, "".join(known)) <= share * len(letters)


def _as_said(text: str) -> str:
    """``text`` as a voice says it where that is far from how it is written: "Edward III" is "the third"."""
    return _NUMBERED.sub(lambda found: f"{found[1]} the {_NUMERALS[found[2]]}", text)


def _least_distance(part: str, whole: str) -> int:
    """Edit distance of ``part`` to the piece of ``whole`` that is nearest to it (Sellers, 1980)."""
    codes = np.frombuffer(whole.encode("utf-32-le"), np.uint32)
    places = np.arange(len(codes) + 1)
    row: NDArray[np.int64] = np.zeros(len(codes) + 1, np.int64)
    for number, letter in enumerate(part, 1):
        above = row + 1
        above[0] = number
        np.minimum(above[1:], row[:-1] + (codes != ord(letter)), out=above[1:])
        # Along the row each step adds one, so it is a running minimum of the distance less the place.
        row = np.minimum.accumulate(above - places) + places
    return int(row.min())
