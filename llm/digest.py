"""What a block is known by, and what a question looks for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from llm.spec import ModelSpec

INDEX_LAYERS = 8
REPRESENTATIVES = 2


@dataclass(frozen=True, slots=True)
class Digester:
    """Reduces keys and queries to the vectors that the memory's index compares.

    Keys and queries are taken before rotation, so where a block stood does not matter (ReKV). A
    block keeps a few representative keys (InfLLM), in layers of the first half of the model: there
    keys still say what a token means, and later what comes next. (Of 78 questions about 16 kinds
    of pictures, the right one was among the first four in 64 by those layers, in 43 by all.)
    """

    layers: tuple[int, ...]
    dim: int

    @classmethod
    def of(cls, spec: ModelSpec) -> Digester:
        half = max(spec.layers // 2, 1)
        count = min(INDEX_LAYERS, half)
        spread = (min((i + 1) * half // count, spec.layers - 1) for i in range(count))
        return cls(tuple(spread), spec.kv_heads * spec.head_dim)

    def digest(self, keys: Tensor, start: int, end: int) -> Tensor:
        """Representatives of tokens ``start:end`` of raw ``keys`` [layers, kv_heads, tokens, head_dim].

        Runs of neighbouring tokens are averaged: float16 [index layers, at most 2, dim], on the CPU. Of
        a block that says nothing (``start == end``), all tokens count.
        """
        if start == end:
            start, end = 0, keys.shape[2]
        picked = keys[list(self.layers), :, start:end].transpose(1, 2).flatten(2).float()
        runs = torch.tensor_split(picked, min(REPRESENTATIVES, picked.shape[1]), dim=1)
        return torch.stack([run.mean(dim=1) for run in runs], dim=1).half().cpu()

    def query(self, queries: Tensor, start: int, end: int) -> Tensor:
        """Mean of tokens ``start:end`` of raw ``queries`` [layers, tokens, dim]: [index layers, dim]."""
        return queries[list(self.layers), start:end].float().mean(dim=1).cpu()
