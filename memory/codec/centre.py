"""What the keys of a block have in common, taken away before they are put on a grid."""

from __future__ import annotations

from torch import Tensor

from memory.codec.grid import Grid, quantise, steps
from memory.codec.nibbles import pack_upper, unpack


def encode_centre(keys: Tensor) -> tuple[Tensor, Grid]:
    """The mean over tokens of ``keys`` [layers, heads, tokens, dim]: a zero point a channel, in four bits.

    Returned packed, uint8 [layers, heads, dim / 2], beside the grid whose scales and base it needs. Raises
    MemoryStoreError when keys are not finite.
    """
    grid = quantise(keys.mean(2), "keys")
    return pack_upper(grid.codes), grid


def decode_centre(packed: Tensor, scales: Tensor, base: Tensor) -> Tensor:
    """What to add to the keys of every token: float32 [layers, heads, 1, dim]."""
    return (unpack(packed) * (16 * steps(scales, base))).unsqueeze(2)
