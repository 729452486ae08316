"""Where the blocks of a context stand: next to each other, or with gaps where something is left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from memory.block import SINKS_ID, Block, Grid


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
        end = block.info.offset + block.info.span
    total = sum(found)
    spare = max(spare, 0)
    if total > spare:
        found = [gap * spare // total for gap in found]
    return tuple(found)


LAYOUTS_KEPT = 1_024
"""Frames of one camera have few different ones."""


@lru_cache(maxsize=LAYOUTS_KEPT)
def layout(tokens: int, grid: Grid | None) -> Tensor:
    """Positions in time, height and width, int64 [3, tokens], of a piece that starts at 0. Not to be changed.

    Text counts on in all three rows. A picture stands at one time, its tokens in their rows and columns
    from there on, and text goes on behind the longer of its sides (Qwen2-VL, Wang et al. 2024), also where
    some of its tokens were left out.
    """
    if grid is None:
        return torch.arange(tokens).expand(3, -1)
    time = torch.full((grid.rows, grid.columns), grid.start)
    height = grid.start + torch.arange(grid.rows)[:, None].expand_as(time)
    width = grid.start + torch.arange(grid.columns).expand_as(time)
    before = torch.arange(grid.start).expand(3, -1)
    places = torch.stack((time, height, width)).flatten(1)
    if grid.places:
        places = places[:, list(grid.places)]
    after = torch.arange(tokens - grid.end).expand(3, -1) + grid.start + grid.span
    return torch.cat((before, places, after), dim=1)
