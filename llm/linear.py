"""Matrix products of the lean backbone: dense, and int8 weights with one scale a row."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Linear(Protocol):
    nbytes: int

    def __call__(self, x: Tensor) -> Tensor:
        """``x`` [n, in] to [n, out]."""
        ...


class DenseLinear:
    """Weights [out, in] as they are."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._weight = weight
        self._bias = bias
        self.nbytes = weight.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        return torch.nn.functional.linear(x, self._weight, self._bias)


class Int8Linear:
    """Weights rounded to int8 with a symmetric scale per output row.

    One-token decode reads every weight once, so half the bytes of bf16 is half the time. On the CPU what it
    is applied to is rounded to bfloat16: with float32 PyTorch's kernel takes four times as long (AVX2).
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        scale = weight.float().abs().amax(dim=1).clamp(min=1e-8) / 127
        self._weight = (weight.float() / scale[:, None]).round().to(torch.int8)
        self._inner = torch.bfloat16 if weight.device.type == "cpu" else weight.dtype
        self._scale = scale.to(self._inner)
        self._bias = bias
        self.nbytes = self._weight.nbytes + self._scale.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        out = torch._weight_int8pack_mm(x.to(self._inner), self._weight, self._scale).to(x.dtype)
        return out if self._bias is None else out + self._bias
