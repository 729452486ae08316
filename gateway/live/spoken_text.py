"""Which words of a reply were heard, from how much of its sound was."""

from __future__ import annotations

from dataclasses import dataclass

from streams.types import Token


def added_text(token: Token, *, first: bool) -> str:
    """What ``token`` adds to a reply, whose ``first`` text does not begin with white space."""
    return token.text.lstrip() if first else token.text


@dataclass(frozen=True, slots=True)
class Clause:
    """``text[start:end]`` of the reply, and where its sound lies in the reply's sound."""

    start: int
    end: int
    start_us: int
    end_us: int


class SpokenText:
    """A reply's text beside its sound, clause by clause.

    Inside a clause time is shared out evenly over the characters, and only whole words count as heard:
    speech has no finer clock here, and a word half heard was not said.
    """

    def __init__(self) -> None:
        self._text = ""
        self._clauses: list[Clause] = []
        self.duration_us = 0

    @property
    def text(self) -> str:
        """All that was given to be said."""
        return self._text

    def add(self, text: str, duration_us: int) -> None:
        """The next clause, whose sound lasts ``duration_us``."""
        start, self._text = len(self._text), self._text + text
        start_us, self.duration_us = self.duration_us, self.duration_us + duration_us
        self._clauses.append(Clause(start, len(self._text), start_us, self.duration_us))

    def until(self, heard_us: int) -> str:
        """What was said in the first ``heard_us`` of the sound."""
        return self._text[: self.chars(heard_us)].rstrip()

    def chars(self, heard_us: int) -> int:
        """How many characters of the reply that is."""
        for clause in self._clauses:
            if heard_us < clause.end_us:
                return self._chars_inside(clause, heard_us)
        return len(self._text)

    def _chars_inside(self, clause: Clause, heard_us: int) -> int:
        length_us = clause.end_us - clause.start_us
        heard_us = max(heard_us - clause.start_us, 0)
        share = heard_us * (clause.end - clause.start) // length_us
        place = clause.start + share
        while place > clause.start and not self._text[place : place + 1].isspace():
            place -= 1
        return place
