"""When, of what kind and where in order the things are that a question asks about, as far as it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from memory.block import BlockInfo
from memory.recall.kind_phrase import find_kinds, mentions_speech
from memory.recall.order_phrase import Order, find_order
from memory.recall.present_phrase import asks_of_now
from memory.recall.time_phrase import find_span
from streams.types import BlockKind


@dataclass(frozen=True, slots=True)
class Where:
    """Blocks that a question can be about: those that overlap ``start_us`` to ``end_us`` (None: open on
    that side) and are of ``kinds`` (None: any). ``order``: those are asked for that stand there. ``now``: no
    block is, only what is in view.
    """

    start_us: int | None = None
    end_us: int | None = None
    kinds: frozenset[BlockKind] | None = None
    order: Order | None = None
    now: bool = False

    @property
    def restricts(self) -> bool:
        return replace(self, order=None, now=False) != EVERYWHERE

    def admits(self, info: BlockInfo) -> bool:
        return (
            (self.start_us is None or info.end_us >= self.start_us)
            and (self.end_us is None or info.start_us <= self.end_us)
            and (self.kinds is None or info.kind in self.kinds)
        )


EVERYWHERE = Where()


def parse_where(question: str, now_us: int) -> Where:
    """What English phrases in ``question``, asked at ``now_us``, restrict; nothing unless they clearly do."""
    text = re.sub(r"\s+", " ", question.lower().replace("’", "'")).strip()
    start_us, end_us = find_span(text, now_us)
    kinds = find_kinds(text)
    # What somebody said first is among all that was said, by whomever: there its words have to find it.
    order = None if kinds is None and mentions_speech(text) else find_order(text)
    where = Where(start_us, end_us, kinds, order)
    return replace(where, now=where == EVERYWHERE and asks_of_now(text))
