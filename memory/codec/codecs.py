"""The codecs by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from memory.block import Block
from memory.codec.bf16 import Bf16Codec
from memory.codec.codec import Codec, EncodedBlock
from memory.codec.exact import ExactCodec
from memory.codec.int4 import Int4Codec
from memory.codec.int8 import Int8Codec
from streams.errors import MemoryStoreError
from streams.log import get_logger

EXACT = ExactCodec()

CODECS: Mapping[str, Codec] = {codec.name: codec for codec in (EXACT, Bf16Codec(), Int8Codec(), Int4Codec())}

log = get_logger(__name__)


def encode(block: Block, codec: Codec) -> EncodedBlock:
    """``block`` by ``codec``, or exact where it cannot be (numbers that are not finite), which is logged."""
    try:
        return codec.encode(block)
    except MemoryStoreError as error:
        log.warning("memory.kept_exact", block=block.id, error=error.message)
        return EXACT.encode(block)


def decode(encoded: EncodedBlock, dtype: torch.dtype) -> Block:
    """``encoded`` by the codec that wrote it. Raises MemoryStoreError if there is none, or as it does."""
    codec = CODECS.get(encoded.codec)
    if codec is None:
        raise MemoryStoreError(
            f"block {encoded.id} was written by the codec {encoded.codec!r}; there are {', '.join(CODECS)}",
            param="codec",
        )
    return codec.decode(encoded, dtype)
