"""What a codec asks of an encoded block before it decodes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from memory.codec.codec import EncodedBlock
from streams.errors import MemoryStoreError


def check_names(encoded: EncodedBlock, names: Sequence[str]) -> None:
    """Raises MemoryStoreError unless ``encoded`` has tensors of just these names."""
    if set(encoded.tensors) != set(names):
        raise MemoryStoreError(
            f"block {encoded.id} as {encoded.codec} has tensors {sorted(encoded.tensors)}, "
            f"not {sorted(names)}",
            param="tensors",
        )


def keys_shape(encoded: EncodedBlock) -> tuple[int, int, int, int]:
    """The four sizes of the tensor "keys". Raises MemoryStoreError when they cannot be of its tokens."""
    shape = tuple(encoded.tensors["keys"].shape)
    if len(shape) != 4 or 0 in shape or shape[2] != encoded.info.tokens:
        raise MemoryStoreError(
            f"block {encoded.id} of {encoded.info.tokens} tokens has keys of shape {list(shape)}",
            param="keys",
        )
    layers, heads, tokens, width = shape
    return layers, heads, tokens, width


def check_tensors(
    encoded: EncodedBlock, expected: Mapping[str, tuple[torch.dtype, tuple[int, ...]]]
) -> Mapping[str, Tensor]:
    """The tensors of ``encoded``.

    Raises MemoryStoreError unless each of ``expected`` has its type and shape, and all are on one device.
    """
    device = encoded.tensors["keys"].device
    for name, (dtype, shape) in expected.items():
        tensor = encoded.tensors[name]
        if tensor.dtype != dtype or tuple(tensor.shape) != shape or tensor.device != device:
            raise MemoryStoreError(
                f"{name} of block {encoded.id} is {tensor.dtype} {list(tensor.shape)} on {tensor.device}; "
                f"{encoded.codec} writes {dtype} {list(shape)} on {device}",
                param=name,
            )
    return encoded.tensors


def check_bases(encoded: EncodedBlock) -> Tensor:
    """The tensor "bases". Raises MemoryStoreError unless all are finite and none is negative."""
    bases = encoded.tensors["bases"]
    if not (torch.isfinite(bases) & (bases >= 0)).all():
        raise MemoryStoreError(f"bases of block {encoded.id} are not all finite sizes", param="bases")
    return bases
