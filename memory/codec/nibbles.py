"""Two four-bit numbers in a byte."""

from __future__ import annotations

import torch
from torch import Tensor


def pack_upper(codes: Tensor) -> Tensor:
    """The upper four bits of ``codes`` int8 [..., dim], with the sign turned into an offset of 8."""
    return _pack((codes >> 4) + 8)


def pack_lower(codes: Tensor) -> Tensor:
    """The lower four bits of ``codes`` int8 [..., dim]."""
    return _pack(codes & 15)


def unpack(packed: Tensor) -> Tensor:
    """Numbers 0 to 15, less 7.5, out of ``packed`` uint8 [..., dim / 2]: float32 [..., dim]."""
    return torch.cat([packed >> 4, packed & 15], -1).float().sub_(7.5)


def _pack(numbers: Tensor) -> Tensor:
    """The first half of the channels becomes the upper half of the bytes: uint8 [..., dim / 2]."""
    assert numbers.shape[-1] % 2 == 0, "rotary embedding turns pairs, so there is an even number of channels"
    upper, lower = numbers.to(torch.uint8).chunk(2, -1)
    return (upper << 4) | lower
