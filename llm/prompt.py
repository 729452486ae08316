"""Passages as a model takes them in."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from llm.backbone import Backbone
from llm.passage import Passage


def embeddings(backbone: Backbone, passages: Sequence[Passage]) -> Tensor:
    """Input embeddings [n, hidden] of all ``passages``, one after another, with pictures in their places."""
    embedded = backbone.embed([token for passage in passages for token in passage.ids])
    if all(passage.visual is None for passage in passages):
        return embedded
    embedded = embedded.clone()  # a backbone may give out what it keeps
    start = 0
    for passage in passages:
        if passage.visual is not None:
            embedded[start + passage.start : start + passage.end] = passage.visual.embeddings.to(embedded)
        start += passage.tokens
    return embedded
