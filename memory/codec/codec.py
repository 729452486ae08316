"""The contract of a codec: the form in which sealed blocks are kept in RAM and on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from memory.block import Block, BlockInfo


@dataclass(frozen=True, slots=True, eq=False)
class EncodedBlock:
    """A block as a codec keeps it. ``tensors`` hold all that the codec named ``codec`` needs to decode it."""

    info: BlockInfo
    codec: str
    tensors: Mapping[str, Tensor]
    digest: Tensor
    embedding: Tensor | None = None

    @property
    def id(self) -> int:
        return self.info.id

    @property
    def kv_bytes(self) -> int:
        """Bytes of what keys and values became."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    @property
    def nbytes(self) -> int:
        embedding = 0 if self.embedding is None else self.embedding.nbytes
        return self.kv_bytes + self.digest.nbytes + embedding


class Codec(Protocol):
    """Encodes and decodes blocks; holds no state, so that a block needs nothing but itself."""

    name: str
    lossless: bool
    """Whether ``decode(encode(block))`` is ``block`` bit for bit."""

    def encode(self, block: Block) -> EncodedBlock:
        """``block`` in this form, on its device; only a lossless codec may share its tensors."""
        ...

    def decode(self, encoded: EncodedBlock, dtype: torch.dtype) -> Block:
        """Keys and values in ``dtype``, on the device of the tensors.

        Raises MemoryStoreError when the tensors are not what this codec writes (names, shapes, types).
        """
        ...
