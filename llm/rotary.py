"""Rotary position embedding applied where a key is used, not where it was made.

RoFormer (Su et al. 2021). Keys are stored before rotation (as ReKV does), so that a block can be handed
back at any position.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Rotary:
    """Angles of one model, by position. Its tables grow to the furthest position asked for."""

    def __init__(self, inv_freq: Tensor, scaling: float = 1.0, rows: Tensor | None = None) -> None:
        """``inv_freq`` is float32 [head_dim / 2]; ``scaling`` multiplies cos and sin (YaRN).

        ``rows`` [head_dim / 2] tells which row of positions each frequency takes, 0 time, 1 height or 2
        width, in models that have three (multimodal rotary embedding, Qwen2-VL, Wang et al. 2024).
        """
        self._inv_freq = inv_freq.float()
        self._scaling = scaling
        self._rows = None if rows is None else rows.to(inv_freq.device)
        self._cos = self._sin = self._inv_freq.new_empty((0, 2 * len(inv_freq)))

    def tables(self, start: int, end: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """cos and signed sin, each [end - start, head_dim], of the positions ``start:end``.

        sin carries the sign of the rotate-half form, so that ``rotate`` needs no negation.
        """
        if end > len(self._cos) or dtype != self._cos.dtype:
            self._grow(max(end, 2 * len(self._cos), 1_024), dtype)
        return self._cos[start:end], self._sin[start:end]

    def at(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """As ``tables``, of tokens at int64 ``positions`` [3, n] in time, height and width."""
        assert self._rows is not None, "this model's positions have one row"
        places = positions.to(self._inv_freq.device, torch.float32)[self._rows]
        return self._of_angles(places.T * self._inv_freq, dtype)

    def _grow(self, positions: int, dtype: torch.dtype) -> None:
        places = torch.arange(positions, device=self._inv_freq.device, dtype=torch.float32)
        self._cos, self._sin = self._of_angles(places[:, None] * self._inv_freq, dtype)

    def _of_angles(self, angles: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        cos, sin = angles.cos() * self._scaling, angles.sin() * self._scaling
        return torch.cat((cos, cos), dim=-1).to(dtype), torch.cat((-sin, sin), dim=-1).to(dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """``x`` [..., n, head_dim] at the positions of the tables. Returns a new tensor."""
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)
