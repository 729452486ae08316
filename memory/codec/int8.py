"""Blocks in eight bits."""

from __future__ import annotations

import torch

from memory.block import Block
from memory.codec.centre import decode_centre, encode_centre
from memory.codec.check import check_bases, check_names, check_tensors, keys_shape
from memory.codec.codec import EncodedBlock
from memory.codec.grid import quantise, restore, turn

NAMES = ("keys", "key_scales", "centre", "centre_scales", "values", "value_scales", "bases")


class Int8Codec:
    """``Int4Codec`` with all eight bits of every number; see there for how and why.

    A turned number is off by at most half a step, 1/256 of the largest of its token and head (of keys: of
    what they are beside the block's centre) and 4.4 % more where the scale was rounded; so a key or value
    vector is off by at most sqrt(dim) half steps in length.
    """

    name = "int8"
    lossless = False

    def encode(self, block: Block) -> EncodedBlock:
        """Raises MemoryStoreError when keys or values are not finite."""
        turned = turn(block.keys)
        packed, centre = encode_centre(turned)
        keys = quantise(turned - decode_centre(packed, centre.scales, centre.base), "keys")
        values = quantise(turn(block.values), "values")
        tensors = {
            "keys": keys.codes,
            "key_scales": keys.scales,
            "centre": packed,
            "centre_scales": centre.scales,
            "values": values.codes,
            "value_scales": values.scales,
            "bases": torch.stack([keys.base, centre.base, values.base]),
        }
        return EncodedBlock(block.info, self.name, tensors, block.digest, block.embedding)

    def decode(self, encoded: EncodedBlock, dtype: torch.dtype) -> Block:
        check_names(encoded, NAMES)
        layers, heads, tokens, dim = keys_shape(encoded)
        half = dim // 2
        shape = layers, heads, tokens, 2 * half
        tensors = check_tensors(
            encoded,
            {
                "keys": (torch.int8, shape),
                "key_scales": (torch.uint8, (layers, heads, tokens)),
                "centre": (torch.uint8, (layers, heads, half)),
                "centre_scales": (torch.uint8, (layers, heads)),
                "values": (torch.int8, shape),
                "value_scales": (torch.uint8, (layers, heads, tokens)),
                "bases": (torch.float32, (3, layers)),
            },
        )
        key_base, centre_base, value_base = check_bases(encoded)
        keys = restore(tensors["keys"], tensors["key_scales"], key_base)
        keys += decode_centre(tensors["centre"], tensors["centre_scales"], centre_base)
        values = restore(tensors["values"], tensors["value_scales"], value_base)
        return Block(
            encoded.info, turn(keys).to(dtype), turn(values).to(dtype), encoded.digest, encoded.embedding
        )
