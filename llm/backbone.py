"""The contract of a language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from llm.context import Context
from llm.spec import ModelSpec


class Backbone(Protocol):
    """Weights and arithmetic, no state: every session shares one. Used from one engine thread."""

    spec: ModelSpec

    def new_context(self) -> Context: ...

    def embed(self, ids: Sequence[int]) -> Tensor:
        """Input embeddings [n, hidden] of token ids."""
        ...

    def forward(
        self,
        embeddings: Tensor,
        context: Context,
        *,
        observe: bool = False,
        positions: Tensor | None = None,
        deep: Tensor | None = None,
    ) -> Tensor:
        """Hidden states [n, hidden] after the last norm, for ``embeddings`` [n, hidden].

        Mutates ``context``: the new tokens are appended to it, at ``positions`` int64 [3, n] where those
        are given and else one after another. With ``observe`` their queries can be taken from it
        afterwards. ``deep`` [layers, n, hidden] is added to the hidden states after the first layers
        (DeepStack, Meng et al. 2024).
        """
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores over the vocabulary, float32 [..., vocab], of hidden states [..., hidden]."""
        ...

    def scores(self, hidden: Tensor, ids: Sequence[int]) -> Tensor:
        """``logits`` of the tokens ``ids`` alone, float32 [..., n]; no other row of the head is computed."""
        ...
