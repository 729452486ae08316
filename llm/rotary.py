"""Rotary position embedding applied where a key is used, not where it was made.

RoFormer (Su et al. 2021). Keys are stored before rotation (as ReKV does), so that a block can be handed
back at any position.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Rotary:
    """Rotates queries and keys of one model. Immutable."""

    def __init__(self, inv_freq: Tensor, scaling: float = 1.0) -> None:
        """``inv_freq`` is float32 [head_dim / 2]; ``scaling`` multiplies cos and sin (YaRN)."""
        self._inv_freq = inv_freq.float()
        self._scaling = scaling

    def tables(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """cos and signed sin, each [n, head_dim], for integer ``positions`` [n].

        sin carries the sign of the rotate-half form, so that ``rotate`` needs no negation.
        """
        angles = positions.to(self._inv_freq.device)[:, None].float() * self._inv_freq
        cos = angles.cos() * self._scaling
        sin = angles.sin() * self._scaling
        return torch.cat((cos, cos), dim=-1).to(dtype), torch.cat((-sin, sin), dim=-1).to(dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """``x`` [..., n, head_dim] at the positions of the tables. Returns a new tensor."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat((x[..., half:], x[..., :half]), dim=-1) * sin
