"""Cuts text that is still being written into clauses that can already be spoken."""

from __future__ import annotations

import re

_BOUNDARY = re.compile(
    r"(?P<stop>[.!?…]+[\"'”’)\]*_]*)(?=\s)"
    r"|(?P<wide>[。！？])"
    r"|(?P<line>\n)"
    r"|(?P<pause>[,;:][\"'”’)\]*_]*(?=\s)|—)"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘*_]*$")
_INITIALS = re.compile(r"(?:\w\.)*\w")
_NEVER_LAST = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "st", "sen", "rep", "gov", "gen", "col", "capt", "lt", "sgt"),
        *("rev", "hon", "mt", "ft", "vs", "approx", "fig", "e.g", "i.e", "cf", "al", "ca"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    )
)
_BEFORE_NUMBER = frozenset(("no", "nos", "vol", "ch", "p", "pp", "art", "sec", "ver"))
_MAY_BE_LAST = frozenset(("a.m", "p.m"))
_OPENERS = "\"'“‘([*_"


class ClauseSplitter:
    """Ends a clause at every sentence end, and at ``, ; : —`` once it is ``min_chars`` long.

    The first clause may be as short as ``first_min_chars``, so that the voice starts early. Nothing is
    lost or changed: all clauses joined are the text that was pushed, however it was cut into pieces.
    """

    def __init__(self, min_chars: int, first_min_chars: int | None = None) -> None:
        self._min_chars = min_chars
        self._first_min_chars = max(min_chars // 2, 1) if first_min_chars is None else first_min_chars
        self._text = ""
        self._first = True

    def push(self, text: str) -> list[str]:
        """The clauses that ``text`` completes. White space stays at the front of the clause after it."""
        self._text += text
        clauses, begin = [], 0
        for match in _BOUNDARY.finditer(self._text):
            clause = self._text[begin : match.end()]
            if not any(map(str.isalnum, clause)):
                continue
            if match["stop"] and (following := self._following(match.end())) is None:
                break
            if (match["stop"] and not self._ends(match, following)) or (
                match["pause"] and len(clause.strip()) < self._least()
            ):
                continue
            clauses.append(clause)
            begin = match.end()
            self._first = False
        self._text = self._text[begin:]
        return clauses

    def flush(self) -> list[str]:
        """What is left at the end of the text, which also begins anew."""
        rest, self._text, self._first = self._text, "", True
        return [rest] if rest else []

    def _least(self) -> int:
        return self._first_min_chars if self._first else self._min_chars

    def _following(self, end: int) -> str | None:
        """The next line feed or visible character past quotes; None while it is not yet written."""
        for char in self._text[end:]:
            if char == "\n" or not (char.isspace() or char in _OPENERS):
                return char
        return None

    def _ends(self, match: re.Match[str], following: str | None) -> bool:
        """Whether a full stop, with ``following`` after it, ends a sentence."""
        assert following is not None
        if following == "\n":
            return True
        if following.islower():
            return False
        if not match["stop"].startswith(".") or match["stop"].startswith(".."):
            return True
        before = _LAST_WORD.search(self._text, 0, match.start())
        word = before[0].lower() if before else ""
        if word in _MAY_BE_LAST:
            return True
        if word in _NEVER_LAST or (word in _BEFORE_NUMBER and following.isdigit()):
            return False
        # "J. K. Rowling", "the U.S. Senate", and the "2." of a list; but "It was I." is rarer than those.
        numbered = (
            word.isdigit()
            and not self._text[: match.start()].removesuffix(before[0] if before else "").strip()
        )
        return not (numbered or (word and _INITIALS.fullmatch(word) and not word.isdigit()))
