"""Blocks in bfloat16."""

from __future__ import annotations

import torch

from memory.block import Block
from memory.codec.check import check_names, check_tensors, keys_shape
from memory.codec.codec import EncodedBlock


class Bf16Codec:
    """Keys and values rounded to bfloat16: half of a float32 model's, a copy of a bfloat16 model's.

    Each element is off by at most 2**-8 of itself (bfloat16 keeps 8 significant bits), and by nothing
    when the model is in bfloat16. What is not finite stays so.
    """

    name = "bf16"
    lossless = False

    def encode(self, block: Block) -> EncodedBlock:
        tensors = {
            "keys": block.keys.to(torch.bfloat16, copy=True),
            "values": block.values.to(torch.bfloat16, copy=True),
        }
        return EncodedBlock(block.info, self.name, tensors, block.digest, block.embedding)

    def decode(self, encoded: EncodedBlock, dtype: torch.dtype) -> Block:
        check_names(encoded, ("keys", "values"))
        expected = torch.bfloat16, keys_shape(encoded)
        tensors = check_tensors(encoded, {"keys": expected, "values": expected})
        keys, values = tensors["keys"].to(dtype), tensors["values"].to(dtype)
        return Block(encoded.info, keys, values, encoded.digest, encoded.embedding)
