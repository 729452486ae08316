"""What a block is known by, and what a question looks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llm.spec import ModelSpec

INDEX_LAYERS = 8
REPRESENTATIVES = 4


@dataclass(frozen=True, slots=True)
class Digester:
    """Reduces keys and queries to the vectors that the memory's index compares.

    Keys and queries are taken before rotation, so where a block stood does not matter (ReKV). A
    block keeps a few representative keys (InfLLM) in layers spread over the model's depth.
    """

    layers: tuple[int, ...]
    dim: int

    @classmethod
    def of(cls, spec: ModelSpec) -> Digester:
        count = min(INDEX_LAYERS, spec.layers)
        spread = (round((i + 0.5) * spec.layers / count - 0.5) for i in range(count))
        return cls(tuple(spread), spec.kv_heads * spec.head_dim)

    def digest(self, keys: Tensor, start: int, end: int) -> Tensor:
        """Representatives of tokens ``start:end`` of raw ``keys`` [layers, kv_heads, tokens, head_dim].

        Runs of neighbouring tokens are averaged: float32 [index layers, at most 4, dim], on the CPU. Of
        a block that says nothing (``start == end``), all tokens count.
        """
        if start == end:
            start, end = 0, keys.shape[2]
        picked = keys[list(self.layers), :, start:end].transpose(1, 2).flatten(2).float()
        runs = torch.tensor_split(picked, min(REPRESENTATIVES, picked.shape[1]), dim=1)
        return torch.stack([run.mean(dim=1) for run in runs], dim=1).cpu()

    def query(self, queries: Tensor, start: int, end: int) -> Tensor:
        """Mean of tokens ``start:end`` of raw ``queries`` [layers, tokens, dim]: [index layers, dim]."""
        return queries[list(self.layers), start:end].float().mean(dim=1).cpu()


def centred(query: Tensor, baseline: Tensor) -> NDArray[np.float32]:
    """``query`` less what every question has in common.

    Most of a mean query is the same for all questions and favours the same blocks whatever is asked;
    with it taken away, the best block came first in 26 of 51 trials rather than in 5.
    """
    difference: NDArray[np.float32] = (query - baseline).numpy()
    return difference
