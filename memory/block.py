"""A block: what one frame, one utterance or one reply became."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from streams.types import BlockKind


@dataclass(frozen=True, slots=True)
class BlockInfo:
    """What is known of a block without its tensors.

    ``text`` is what it says, without its time and without the marks of the chat format.
    """

    id: int
    kind: BlockKind
    start_us: int
    end_us: int
    text: str
    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Keys *before* rotary embedding and values, [layers, kv_heads, tokens, head_dim] each.

    ``digest`` is float32 [index layers, representatives, kv_heads * head_dim] on the CPU: what the
    index knows the block by.
    """

    info: BlockInfo
    keys: Tensor
    values: Tensor
    digest: Tensor

    @property
    def id(self) -> int:
        return self.info.id

    @property
    def tokens(self) -> int:
        return self.info.tokens

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes + self.digest.nbytes

    def to(self, device: torch.device) -> Block:
        """The same block with its tensors on ``device``; itself when they are there already."""
        if self.keys.device == device:
            return self
        return replace(self, keys=self.keys.to(device), values=self.values.to(device))
