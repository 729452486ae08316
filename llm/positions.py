"""Where the blocks of a context stand: next to each other, or with gaps where something is left out."""

from __future__ import annotations

from collections.abc import Sequence

from memory.block import SINKS_ID, Block


def gaps(blocks: Sequence[Block], bound: int, spare: int) -> tuple[int, ...]:
    """Positions to leave free before each of ``blocks`` (sinks first, then in time order).

    A gap is as wide as what was read between two blocks and is not there, but no wider than
    ``bound``: a model that was trained on texts without holes is not thrown by long ones, and its
    length is not used up by what it does not see. All gaps together are at most ``spare``, the positions
    that the model has left; past that, every gap is narrowed alike. No gap at all (``bound`` 0) is what
    ReKV does.
    """
    if not bound:
        return ()
    found: list[int] = []
    end = 0
    for block in blocks:
        if block.id == SINKS_ID:
            found.append(0)
            continue
        found.append(min(max(block.info.offset - end, 0), bound))
        end = block.info.offset + block.tokens
    total = sum(found)
    spare = max(spare, 0)
    if total > spare:
        found = [gap * spare // total for gap in found]
    return tuple(found)
