"""The numbers that int8 and int4 share: vectors turned, then on a grid with one step for each vector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from streams.errors import MemoryStoreError

STEPS_PER_OCTAVE = 16
"""How finely a step is kept: it is at most 2**(1/16), 4.4 %, larger than it need be."""

LEAST_BASE = 2.0**-100
"""A layer whose largest number is smaller is treated as if it were this, lest a step underflow float32."""

TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Vectors [layers, …, dim] in eight bits: a code ``n`` stands for ``(n + 1/2) * step``.

    ``codes`` are int8 [layers, …, dim]. ``base``, float32 [layers], is the largest number of a layer, and
    ``scales``, uint8 [layers, …], how many sixteenths of an octave a vector's largest is below it (at most
    255: a vector 63,000 times smaller is rounded as if it were that large). A number is off by at most half
    a step. The upper four bits of a code are the same number on a grid of 16 steps.
    """

    codes: Tensor
    scales: Tensor
    base: Tensor


def quantise(vectors: Tensor, name: str) -> Grid:
    """``vectors`` float32 [layers, …, dim], of ``name``, on a grid. Raises MemoryStoreError if not finite."""
    largest = vectors.abs().amax(-1)
    base = largest.flatten(1).amax(1)
    if not torch.isfinite(base).all():
        raise MemoryStoreError(f"{name} are not finite, or too large to be turned", param=name)
    base = torch.where(base > 0, base.clamp_min(LEAST_BASE), base)
    octaves = torch.log2(_spread(base, largest) / largest.clamp_min(TINY))
    scales = (octaves * STEPS_PER_OCTAVE).floor_().clamp_(0, 255).to(torch.uint8)
    codes = (vectors / steps(scales, base).clamp_min(TINY)).floor_().clamp_(-128, 127)
    return Grid(codes.to(torch.int8), scales, base)


def steps(scales: Tensor, base: Tensor) -> Tensor:
    """The step of each vector, float32 [layers, …, 1]."""
    octaves = scales.float().div_(-STEPS_PER_OCTAVE)
    return (torch.exp2(octaves) * _spread(base / 128, octaves)).unsqueeze(-1)


def restore(codes: Tensor, scales: Tensor, base: Tensor) -> Tensor:
    """Vectors out of all eight bits of their codes: float32 [layers, …, dim]."""
    return codes.float().add_(0.5).mul_(steps(scales, base))


def _spread(base: Tensor, over: Tensor) -> Tensor:
    return base.view(-1, *(1 for _ in over.shape[1:]))


def turn(x: Tensor) -> Tensor:
    """``x`` [..., dim] turned so that no channel stands out, in float32; turned twice it is ``x`` again.

    By a Hadamard matrix, as in QuaRot (Ashkboos et al. 2024), over runs of the largest power of two that
    divides ``dim``. Lengths and inner products stay.
    """
    return x.float() @ _hadamard(x.shape[-1], x.device)


@lru_cache(maxsize=8)
def _hadamard(dim: int, device: torch.device) -> Tensor:
    """Sylvester's, block-diagonal, orthonormal, symmetric: [dim, dim]."""
    matrix = torch.ones(1, 1)
    while dim % (2 * len(matrix)) == 0:
        matrix = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), matrix)
    scaled = matrix / len(matrix) ** 0.5
    return torch.kron(torch.eye(dim // len(matrix)), scaled).to(device)
