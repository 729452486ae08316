"""Blocks as they are."""

from __future__ import annotations

import torch

from memory.block import Block
from memory.codec.check import check_names, check_tensors, keys_shape
from memory.codec.codec import EncodedBlock
from streams.errors import MemoryStoreError


class ExactCodec:
    """Keys and values bit for bit, whatever is in them; the block's own tensors, not copies."""

    name = "exact"
    lossless = True

    def encode(self, block: Block) -> EncodedBlock:
        tensors = {"keys": block.keys, "values": block.values}
        return EncodedBlock(block.info, self.name, tensors, block.digest, block.embedding)

    def decode(self, encoded: EncodedBlock, dtype: torch.dtype) -> Block:
        """Bit for bit in the dtype that was encoded; another ``dtype`` may round."""
        check_names(encoded, ("keys", "values"))
        shape, stored = keys_shape(encoded), encoded.tensors["keys"].dtype
        if not stored.is_floating_point:
            raise MemoryStoreError(f"keys of block {encoded.id} are {stored}", param="keys")
        tensors = check_tensors(encoded, {"values": (stored, shape)})
        keys, values = tensors["keys"].to(dtype), tensors["values"].to(dtype)
        return Block(encoded.info, keys, values, encoded.digest, encoded.embedding)
