"""Chooses the next token from scores."""

from __future__ import annotations

import torch
from torch import Tensor


class Sampler:
    """Greedy at temperature 0, nucleus sampling (Holtzman et al. 2020) above; seeded.

    ``repetition_penalty`` (CTRL, Keskar et al. 2019) makes tokens of this answer less likely.
    """

    def __init__(self, *, temperature: float, top_p: float, repetition_penalty: float, seed: int) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._penalty = repetition_penalty
        self._generator = torch.Generator().manual_seed(seed)
        self._written: list[int] = []

    def sample(self, logits: Tensor) -> int:
        """The next token id from ``logits`` float32 [vocab]."""
        if self._written and self._penalty != 1:
            written = torch.tensor(self._written, device=logits.device)
            scores = logits[written]
            lowered = torch.where(scores > 0, scores / self._penalty, scores * self._penalty)
            logits = logits.scatter(0, written, lowered)
        token = int(logits.argmax()) if self._temperature == 0 else self._nucleus(logits)
        self._written.append(token)
        return token

    def _nucleus(self, logits: Tensor) -> int:
        probabilities, order = (logits.cpu() / self._temperature).softmax(-1).sort(descending=True)
        outside = probabilities.cumsum(-1) - probabilities >= self._top_p
        probabilities[outside] = 0
        return int(order[torch.multinomial(probabilities, 1, generator=self._generator)])
