"""Which visual tokens of a frame show what the window does not show already."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from llm.visual import VisualTokens

Granularity: TypeAlias = Literal["frames", "tokens"]


class NoveltyFilter:
    """Lets through the visual tokens of one stream's frames that differ from those read at their places.

    After the differential token drop of TimeChat-Online (Yao et al. 2025), which leaves out the patches of
    a frame that resemble the patch at the same place of the frame before, by pixels or by features. Here a
    token is compared with the one that was *read* last at its place, so that slow changes add up instead of
    passing unseen, and only while the block that holds that is in the window: what the model could not look
    at is read again. By ``frames`` a frame is read whole or not at all; by ``tokens`` only what is new of it.
    """

    def __init__(self, granularity: Granularity, threshold: float) -> None:
        """A token is new when its cosine distance (0..2) from the one before is above ``threshold``."""
        self._granularity = granularity
        self._threshold = threshold
        self._directions: Tensor | None = None
        self._holders: list[int] = []

    @property
    def newest_id(self) -> int:
        """The block that was read last; 0 before there is one."""
        return max(self._holders, default=0)

    def choose(self, visual: VisualTokens, window: Collection[int]) -> VisualTokens | None:
        """What is to be read of ``visual``, a whole picture; None when nothing of it is new.

        ``window`` are the ids of the blocks that the model will attend to.
        """
        new = self._new(_directions(visual.embeddings), window)
        if not new:
            return None
        in_part = self._granularity == "tokens" and len(new) < len(visual.embeddings)
        return visual.some(new) if in_part else visual

    def _new(self, directions: Tensor, window: Collection[int]) -> list[int]:
        before = self._directions
        if before is None or before.shape != directions.shape:
            return list(range(len(directions)))
        distance = 1 - (before * directions).sum(1)
        distance[(before == 0).all(1) & (directions == 0).all(1)] = 0.0
        changed = distance > self._threshold
        gone = torch.tensor([holder not in window for holder in self._holders])
        places: list[int] = (changed | gone).nonzero().flatten().tolist()
        return places

    def note_read(self, block_id: int, visual: VisualTokens) -> None:
        """``visual``, as it was chosen, was read into this block."""
        directions = _directions(visual.embeddings)
        if self._directions is None or visual.places is None:
            self._directions, self._holders = directions, [block_id] * len(directions)
            return
        places = list(visual.places)
        self._directions[places] = directions
        for place in places:
            self._holders[place] = block_id


def _directions(embeddings: Tensor) -> Tensor:
    """Unit vectors, float32 on the CPU; zeros stay zeros."""
    return torch.nn.functional.normalize(embeddings.detach().float().cpu(), dim=1, eps=1e-12)
