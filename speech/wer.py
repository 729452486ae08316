"""Word error rate, with numbers, money and spellings made equal first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ONES = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = dict(
    zip(
        ("one", "two", "three", "five", "eight", "nine", "twelve"),
        ("first", "second", "third", "fifth", "eighth", "ninth", "twelfth"),
        strict=True,
    )
)
_SPELLINGS = {"colour": "color", "grey": "gray", "dr": "doctor", "mr": "mister", "okay": "ok"}
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Errors over ``words`` words of reference."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        """Errors per word of reference; every word heard where none was said counts too."""
        return self.errors / max(1, self.words)


def word_errors(references: Iterable[str], hypotheses: Iterable[str]) -> WordErrors:
    """Substitutions, deletions and insertions over pairs of texts, after ``normalize``."""
    errors = words = 0
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        said, heard = normalize(reference), normalize(hypothesis)
        errors += edit_distance(said, heard)
        words += len(said)
    return WordErrors(errors, words)


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(other) + 1))
    for at, word in enumerate(one, 1):
        diagonal, row[0] = row[0], at
        for column, against in enumerate(other, 1):
            substituted = diagonal + (word != against)
            diagonal = row[column]
            row[column] = min(substituted, diagonal + 1, row[column - 1] + 1)
    return row[-1]


def normalize(text: str) -> list[str]:
    """Lower-case words without punctuation; numbers, times of day and sums of money in words."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(
        r"\$(\d+)(?:\.(\d\d))?", lambda m: f"{m[1]} dollars" + (f" and {m[2]} cents" if m[2] else ""), text
    )
    text = re.sub(r"(\d)[:.](\d\d)\b", r"\1 \2", text)
    text = re.sub(r"(\d)\.(?=\d)", r"\1 point ", text)
    text = re.sub(r"(\d)%", r"\1 percent", text)
    text = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", lambda m: _ordinal(int(m[1])), text)
    text = re.sub(r"\d+", lambda m: f" {_cardinal(int(m[0]))} ", text)
    words = re.sub(r"[^a-z']+", " ", text).replace(" hundred and ", " hundred ").split()
    return [_SPELLINGS.get(word, word) for word in (word.strip("'") for word in words) if word]


def _cardinal(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")
    scale, name = next((scale, name) for scale, name in _SCALES if number >= scale)
    count, rest = divmod(number, scale)
    return f"{_cardinal(count)} {name}" + (f" {_cardinal(rest)}" if rest else "")


def _ordinal(number: int) -> str:
    *before, last = _cardinal(number).split()
    last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*before, last])
