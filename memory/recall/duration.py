"""Lengths of time in English: "ten minutes", "half an hour", "1.5 hours"."""

from __future__ import annotations

import re
from types import MappingProxyType

from streams.types import US_PER_S

UNITS_S = MappingProxyType(
    {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "day": 86_400}
)

_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_ONES = (*_UNITS, "ten", "eleven", "twelve", *_TEENS)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

_ONE = "|".join(sorted(_ONES, key=len, reverse=True))
_TEN = "|".join(_TENS)
_NUMBER = rf"\d{{1,4}}(?:\.\d{{1,3}})?|(?:{_TEN})(?:[ -](?:{'|'.join(_UNITS)}))?|{_ONE}|an?"
_UNIT = rf"(?:{'|'.join(sorted(UNITS_S, key=len, reverse=True))})s?"

NUMBERED = (
    rf"(?:(?:{_NUMBER}) (?:and a half )?{_UNIT}(?: and a half)?"
    rf"|half (?:an? )?{_UNIT}"
    rf"|(?:a |three )?quarters? of an hour"
    rf"|{_UNIT} and a half)"
)
"""Matches a length of time in lower case; ``parse_duration_us`` says how long."""

DURATION = rf"(?:{NUMBERED}|{_UNIT})"
"""Matches a bare unit as well, which is one of it ("the last hour")."""

_PARTS = re.compile(
    rf"(?:(?P<number>{_NUMBER}) )?(?P<half>and a half )?(?P<unit>{_UNIT})(?P<more> and a half)?"
)


def parse_duration_us(text: str) -> int:
    """How long ``text``, which ``DURATION`` matches in full, lasts in microseconds."""
    if "quarter" in text:
        return (3 if text.startswith("three") else 1) * 900 * US_PER_S
    if text.startswith("half "):
        unit = text.removeprefix("half ").removeprefix("an ").removeprefix("a ")
        return round(0.5 * _unit_s(unit) * US_PER_S)
    parts = _PARTS.fullmatch(text)
    assert parts is not None, f"'{text}' is no length of time"
    count = _count(parts["number"] or "one") + (0.5 if parts["half"] or parts["more"] else 0.0)
    return round(count * _unit_s(parts["unit"]) * US_PER_S)


def _count(number: str) -> float:
    if number[0].isdigit():
        return float(number)
    if number in ("a", "an"):
        return 1.0
    first, _, second = number.replace("-", " ").partition(" ")
    if first in _TENS:
        return 10.0 * (_TENS.index(first) + 2) + (_ONES.index(second) + 1 if second else 0)
    return float(_ONES.index(first) + 1)


def _unit_s(unit: str) -> int:
    return UNITS_S[unit if unit in UNITS_S else unit.removesuffix("s")]
