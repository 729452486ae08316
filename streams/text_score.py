"""How well a written answer agrees with the right one, without a judge: the measures of SQuAD.

Words are compared as SQuAD's own script does (Rajpurkar et al., EMNLP 2016): lower case, without
punctuation and articles. Numbers from zero to ten count as their digits too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase, punctuation

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", punctuation)
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS)}
_LETTER = re.compile(r"^\W*([A-Z])(?:[.):,]|\s*$)")


def words(text: str) -> list[str]:
    plain = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return [_DIGITS.get(word, word) for word in plain.split()]


def exact(answer: str, right: str) -> bool:
    return words(answer) == words(right)


def f1(answer: str, right: str) -> float:
    """The harmonic mean of the shares of words that the two have in common."""
    given, wanted = words(answer), words(right)
    common = _common(given, wanted)
    if not common:
        return float(given == wanted)
    precision, recall = common / len(given), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


def token_recall(answer: str, right: str) -> float:
    """How much of the right answer's words the given one has; what it says beyond does not count."""
    wanted = words(right)
    return _common(words(answer), wanted) / len(wanted) if wanted else 1.0


def _common(given: Sequence[str], wanted: Sequence[str]) -> int:
    return sum((Counter(given) & Counter(wanted)).values())


def holds(answer: str, accepted: Sequence[str]) -> bool:
    """Whether one of ``accepted`` stands in ``answer``, word for word."""
    given = words(answer)
    return any(
        given[start : start + len(wanted)] == wanted
        for wanted in map(words, accepted)
        if wanted
        for start in range(len(given) - len(wanted) + 1)
    )


def choice_of(answer: str, choices: Sequence[str]) -> int | None:
    """Which choice a written answer names: by its letter, by its words, or as the only one in it."""
    said = [place for place, choice in enumerate(choices) if exact(answer, choice)]
    if len(said) == 1:
        return said[0]
    letter = _LETTER.match(answer.strip())
    if letter is not None and ascii_uppercase.index(letter[1]) < len(choices):
        return ascii_uppercase.index(letter[1])
    named = [place for place, choice in enumerate(choices) if holds(answer, [choice])]
    return named[0] if len(named) == 1 else None
