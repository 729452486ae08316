"""What was seen or said for a while: neighbouring blocks that say the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from memory.block import BlockInfo
from memory.recall.likeness import ALIKE_WITHIN_US
from streams.types import BlockKind, format_time

_OBEYED = {"Cc", "Cs"}
_TURNS_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Passage:
    """One thing that was seen or said, and the ids of the blocks that say so, in time order."""

    kind: BlockKind
    start_us: int
    end_us: int
    text: str
    block_ids: tuple[int, ...]

    @property
    def span(self) -> str:
        """``00:10 – 00:28``, or one time where both are the same second."""
        start, end = format_time(self.start_us), format_time(self.end_us)
        return start if start == end else f"{start} – {end}"


def passages(infos: Iterable[BlockInfo]) -> list[Passage]:
    """``infos`` in time order, those merged that say the same one after the other.

    What is seen and what is said are neighbours only of their own: a picture that stays while somebody
    speaks is one passage. Blocks further apart than ``ALIKE_WITHIN_US`` are two, for nobody knows what was
    between them.
    """
    runs: list[list[BlockInfo]] = []
    newest: dict[bool, list[BlockInfo]] = {}
    for info in sorted(infos, key=lambda each: (each.start_us, each.id)):
        seen = info.kind is BlockKind.FRAME
        if seen in newest and _continues(newest[seen][-1], info):
            newest[seen].append(info)
        else:
            newest[seen] = [info]
            runs.append(newest[seen])
    return [_passage(run) for run in runs]


def _continues(before: BlockInfo, info: BlockInfo) -> bool:
    alike = (before.kind, before.text) == (info.kind, info.text)
    return alike and info.start_us - before.end_us <= ALIKE_WITHIN_US


def _passage(run: list[BlockInfo]) -> Passage:
    first, ids = run[0], tuple(info.id for info in run)
    return Passage(first.kind, first.start_us, max(info.end_us for info in run), first.text, ids)


def printable(text: str) -> str:
    """``text`` on one line, without anything that a terminal obeys or that turns other text round."""
    return "".join(_printable(char) for char in " ".join(text.split()))


def _printable(char: str) -> str:
    if unicodedata.category(char) in _OBEYED or char in _TURNS_ROUND:
        return char.encode("unicode_escape").decode("ascii")
    return char
