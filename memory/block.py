"""A block: what one frame, one utterance or one reply became."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from streams.types import BlockKind

SINKS_ID = 0
"""The id of the block that a session's instructions became. Others start at 1 and grow with time."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Which tokens of a block lie on a grid: ``rows * columns`` of them, row by row, from ``start`` on.

    ``places`` are those that are there, in order, where some were left out; () for all of them. Only models
    whose positions have a row each for time, height and width know grids.
    """

    start: int
    rows: int
    columns: int
    places: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        return len(self.places) or self.rows * self.columns

    @property
    def end(self) -> int:
        return self.start + self.tokens

    @property
    def span(self) -> int:
        """Positions that it takes: text after a picture goes on behind its longer side."""
        return max(self.rows, self.columns)


@dataclass(frozen=True, slots=True)
class BlockInfo:
    """What is known of a block without its tensors.

    ``text`` is what it says, without its time and without the marks of the chat format. ``offset``
    counts the positions of the stream that were read before it, sinks aside: what lies between two blocks.
    """

    id: int
    kind: BlockKind
    start_us: int
    end_us: int
    text: str
    tokens: int
    offset: int = 0
    grid: Grid | None = None

    @property
    def span(self) -> int:
        """Positions that the block takes: as many as it has tokens, but for a picture's."""
        if self.grid is None:
            return self.tokens
        return self.tokens - self.grid.tokens + self.grid.span

    @property
    def extent(self) -> int:
        """What the block takes of a model's length: positions, or tokens where these are more.

        A picture of which few tokens were read takes the positions of a whole one.
        """
        return max(self.tokens, self.span)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Keys *before* rotary embedding and values, [layers, kv_heads, tokens, head_dim] each.

    ``digest`` is float16 [index layers, representatives, kv_heads * head_dim] on the CPU, and
    ``embedding`` float16 [dim] on the CPU, of what the block says, where there is an embedding model:
    what recall knows the block by.
    """

    info: BlockInfo
    keys: Tensor
    values: Tensor
    digest: Tensor
    embedding: Tensor | None = None

    @property
    def id(self) -> int:
        return self.info.id

    @property
    def tokens(self) -> int:
        return self.info.tokens

    @property
    def nbytes(self) -> int:
        embedding = 0 if self.embedding is None else self.embedding.nbytes
        return self.keys.nbytes + self.values.nbytes + self.digest.nbytes + embedding

    def to(self, device: torch.device) -> Block:
        """The same block with its keys and values on ``device``; itself when they are there already."""
        if self.keys.device == device:
            return self
        return replace(self, keys=self.keys.to(device), values=self.values.to(device))
