"""Cuts what a user said or typed into sentences, but not at the full stops of abbreviations and decimals."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?;]+(?:[\"'”’)\]]+(?=\s|$))?")
_LAST_WORD = re.compile(r"(?:[^\W_]|\.)+$")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
_LONGEST_WORD = 24
_NEVER_LAST = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "st", "sen", "gov", "gen", "capt", "lt", "sgt", "rev", "mt"),
        *("vs", "approx", "e.g", "i.e", "cf"),
    )
)
_LAST_BEFORE_CAPITAL = frozenset(
    ("a.m", "p.m", "etc", "ave", "rd", "blvd", "jr", "sr", "inc", "ltd", "co", "corp")
)
_BEFORE_NUMBER = frozenset(
    (
        *("no", "nos", "vol", "ch", "p", "pp", "fig", "sec", "ver", "ca"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    )
)


def sentences(text: str) -> Iterator[str]:
    """All of ``text`` that has a word in it, with its punctuation."""
    begin = 0
    for match in _END.finditer(text):
        if _ends(text, match):
            yield text[begin : match.end()]
            begin = match.end()
    if text[begin:].strip():
        yield text[begin:]


def _ends(text: str, match: re.Match[str]) -> bool:
    if match[0] != ".":
        return True
    before = _LAST_WORD.search(text, max(match.start() - _LONGEST_WORD, 0), match.start())
    word = before[0] if before else ""
    if text[match.end() : match.end() + 1].isalnum():
        # "3.5", "U.S", "example.org"; but "Nice.Tell me", where the space was forgotten.
        return len(word) > 1 and word.isalpha() and text[match.end()].isupper()
    following = text[match.end() : match.end() + _LONGEST_WORD].lstrip()[:1]
    if not following:
        return True
    lower = word.lower()
    if lower in _LAST_BEFORE_CAPITAL:
        return not following.islower()
    if lower in _NEVER_LAST or (lower in _BEFORE_NUMBER and following.isdigit()):
        return False
    # "J. K. Rowling", "the U.S. flag"; but "So do I."
    return lower == "i" or _INITIALS.fullmatch(word) is None
