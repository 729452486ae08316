"""Blocks in four bits, with a few keys in eight."""

from __future__ import annotations

import torch
from torch import Tensor

from memory.block import Block
from memory.codec.centre import decode_centre, encode_centre
from memory.codec.check import check_bases, check_names, check_tensors, keys_shape
from memory.codec.codec import EncodedBlock
from memory.codec.grid import Grid, quantise, steps, turn
from memory.codec.nibbles import pack_lower, pack_upper, unpack
from streams.errors import MemoryStoreError

SALIENT_SHARE = 16
"""Of so many keys of a layer, one keeps eight bits; of fewer, one does, too."""

NAMES = (
    "keys",
    "key_scales",
    "centre",
    "centre_scales",
    "salient",
    "salient_lower",
    "values",
    "value_scales",
    "bases",
)


class Int4Codec:
    """Four bits a number, a scale for each token of each head, and for keys a zero point for each channel.

    - Keys and values are *turned* (QuaRot), so that a channel that stands out is spread over all. ZipCache
      and COMET keep scales for channels instead; in a block of 18 tokens these take room and do less.
    - The mean of a block's keys, which are from before rotary embedding, is kept apart (``centre``): they
      differ less from each other than from nothing.
    - The largest number of each token and head gives their step, which is kept in a byte.
    - *Salient* keys, the sixteenth of each layer with the largest steps, keep their lower four bits too and
      so are as in int8: finer, as ZipCache keeps the tokens that it finds salient.

    A turned number is off by at most half a step: 1/16 of the largest of its token and head (of keys: of
    what they are beside the centre), and 4.4 % more where the scale was rounded; of a salient key, 1/256. A
    key or value vector is off by at most sqrt(dim) half steps in length.

    What each part is worth, for SmolLM2-135M in float32 over 1,536 tokens of prose in blocks of 18, of which
    all but the last 64 tokens were encoded: bytes against bfloat16, and how far what the model foretells
    moved from what it does with exact blocks (KL divergence in thousandths of a nat, and perplexity)::

        int4                              27.4 %     1.2    +0.10 %
        without salient keys              26.6 %     1.9    +0.08 %
        without turning                   27.3 %     3.1    +0.10 %
        without the centre                26.6 %     4.1    +0.18 %
        with the tokens' scales alone     25.8 %    17.5    +1.08 %
        ZipCache's channel normaliser     28.6 %     7.1    +0.38 %
        KIVI: keys' scales by channel     32.1 %     1.1    -0.10 %
        int8                              51.6 %     0.0    -0.01 %

    With a bias put on the keys, of about 60 in 6 % of the channels, it was +0.17 %, and +99 % without the
    centre. The centre weighs on short blocks: one of 4 tokens takes 31 % of the bytes, of 1 token 45 %.
    """

    name = "int4"
    lossless = False

    def encode(self, block: Block) -> EncodedBlock:
        """Raises MemoryStoreError when keys or values are not finite."""
        turned = turn(block.keys)
        packed, centre = encode_centre(turned)
        keys = quantise(turned - decode_centre(packed, centre.scales, centre.base), "keys")
        values = quantise(turn(block.values), "values")
        salient = _salient(keys)
        tensors = {
            "keys": pack_upper(keys.codes),
            "key_scales": keys.scales,
            "centre": packed,
            "centre_scales": centre.scales,
            "salient": salient.int(),
            "salient_lower": pack_lower(_rows(keys.codes, salient)),
            "values": pack_upper(values.codes),
            "value_scales": values.scales,
            "bases": torch.stack([keys.base, centre.base, values.base]),
        }
        return EncodedBlock(block.info, self.name, tensors, block.digest, block.embedding)

    def decode(self, encoded: EncodedBlock, dtype: torch.dtype) -> Block:
        check_names(encoded, NAMES)
        shape = layers, heads, tokens, half = keys_shape(encoded)
        count = _salient_count(heads * tokens)
        tensors = check_tensors(
            encoded,
            {
                "keys": (torch.uint8, shape),
                "key_scales": (torch.uint8, (layers, heads, tokens)),
                "centre": (torch.uint8, (layers, heads, half)),
                "centre_scales": (torch.uint8, (layers, heads)),
                "salient": (torch.int32, (layers, count)),
                "salient_lower": (torch.uint8, (layers, count, half)),
                "values": (torch.uint8, shape),
                "value_scales": (torch.uint8, (layers, heads, tokens)),
                "bases": (torch.float32, (3, layers)),
            },
        )
        key_base, centre_base, value_base = check_bases(encoded)
        salient = tensors["salient"].long()
        if not ((salient >= 0) & (salient < heads * tokens)).all():
            raise MemoryStoreError(
                f"salient of block {encoded.id} points past its {heads * tokens} keys", param="salient"
            )
        keys = unpack(tensors["keys"])
        # The lower bits say where in a step of the upper ones the number is.
        lower = unpack(tensors["salient_lower"]).div_(16)
        index = salient.unsqueeze(-1).expand_as(lower)
        keys.view(layers, heads * tokens, -1).scatter_add_(1, index, lower)
        keys *= 16 * steps(tensors["key_scales"], key_base)
        keys += decode_centre(tensors["centre"], tensors["centre_scales"], centre_base)
        values = unpack(tensors["values"]).mul_(16 * steps(tensors["value_scales"], value_base))
        return Block(
            encoded.info, turn(keys).to(dtype), turn(values).to(dtype), encoded.digest, encoded.embedding
        )


def _salient_count(keys: int) -> int:
    return max(1, keys // SALIENT_SHARE)


def _salient(keys: Grid) -> Tensor:
    """The keys of each layer with the largest steps, counted over heads and tokens: [layers, count]."""
    scales = keys.scales.flatten(1)
    return scales.topk(_salient_count(scales.shape[1]), largest=False).indices


def _rows(codes: Tensor, picked: Tensor) -> Tensor:
    """Those of ``codes`` [layers, heads, tokens, dim] that are ``picked``: [layers, count, dim]."""
    return codes.flatten(1, 2).gather(1, picked.unsqueeze(-1).expand(-1, -1, codes.shape[-1]))
