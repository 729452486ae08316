"""Passages as a model takes them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llm.backbone import Backbone
from llm.passage import Passage
from llm.positions import layout


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """Input ``embeddings`` [n, hidden], with pictures in their places.

    ``positions`` int64 [3, n] are where the tokens stand, None when they follow each other; ``deep``
    [layers, n, hidden] is added to the hidden states after the first layers.
    """

    embeddings: Tensor
    positions: Tensor | None = None
    deep: Tensor | None = None

    def __len__(self) -> int:
        return len(self.embeddings)

    def cut(self, start: int, end: int) -> Prompt:
        """Tokens ``start:end`` of it."""
        positions = None if self.positions is None else self.positions[:, start:end]
        deep = None if self.deep is None else self.deep[:, start:end]
        return Prompt(self.embeddings[start:end], positions, deep)


def compose(backbone: Backbone, passages: Sequence[Passage], position: int) -> Prompt:
    """``passages``, one after another, of which the first starts at ``position``."""
    embedded = backbone.embed([token for passage in passages for token in passage.ids])
    if all(passage.visual is None for passage in passages):
        return Prompt(embedded)
    embedded = embedded.clone()  # a backbone may give out what it keeps
    deep: Tensor | None = None
    start = 0
    for passage in passages:
        visual, place = passage.visual, slice(start + passage.start, start + passage.end)
        if visual is not None:
            embedded[place] = visual.embeddings.to(embedded)
            if visual.deep is not None:
                deep = embedded.new_zeros((len(visual.deep), *embedded.shape)) if deep is None else deep
                deep[:, place] = visual.deep.to(embedded)
        start += passage.tokens
    return Prompt(embedded, _positions(passages, position), deep)


def _positions(passages: Sequence[Passage], position: int) -> Tensor | None:
    """Where the tokens of ``passages`` stand; None when no picture among them lies on a grid."""
    if all(passage.grid is None for passage in passages):
        return None
    parts: list[Tensor] = []
    for passage in passages:
        parts.append(layout(passage.tokens, passage.grid) + position)
        position += passage.span
    return torch.cat(parts, dim=1)
