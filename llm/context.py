"""The keys and values that one forward pass attends to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from llm.positions import layout
from llm.rotary import Rotary, rotate
from llm.spec import ModelSpec
from memory.block import Block


class Context:
    """Sinks, recalled blocks, the recent window, and the tokens appended since, in that order.

    Positions are assigned here: contiguous from 0, or with gaps where something is left out; of a block
    whose tokens lie on a grid, as the grid says, from where the block starts. Blocks come
    with keys before rotation and are rotated once, in ``assemble``; each appended key is kept both ways,
    rotated to be attended to and raw to become a block. Buffers are reused between assemblies and grow
    to the largest, so a stream's device memory stays constant.
    """

    def __init__(self, spec: ModelSpec, rotary: Rotary) -> None:
        self.spec = spec
        self._rotary = rotary
        self._keys = self._values = self._raw = self._buffer(0)
        self._seen: tuple[tuple[Tensor, ...], ...] = ()
        self._added: tuple[tuple[Tensor, ...], ...] = ()
        self._new: list[Tensor] = []
        self._assembled = 0
        self._length = 0
        self._start = 0
        self._nexts: list[int] = []
        self._pending_nexts: Sequence[int] = ()
        self._pending = 0
        self._cos = self._sin = torch.empty(0)
        self._mask: Tensor | None = None
        self._observed: list[Tensor] | None = None

    def _buffer(self, tokens: int) -> Tensor:
        spec = self.spec
        shape = (spec.layers, spec.kv_heads, tokens, spec.head_dim)
        return torch.empty(shape, dtype=spec.dtype, device=spec.device)

    @property
    def length(self) -> int:
        """Tokens attended to: assembled and appended."""
        return self._length

    @property
    def appended(self) -> int:
        return self._length - self._assembled

    @property
    def position(self) -> int:
        """Where the next token stands, if nothing else is said of it."""
        return self._nexts[-1] if self._nexts else self._start

    @property
    def nbytes(self) -> int:
        return self._keys.nbytes + self._values.nbytes + self._raw.nbytes

    def assemble(self, blocks: Sequence[Block], room: int, gaps: Sequence[int] = ()) -> None:
        """Start anew with ``blocks`` in their order and ``room`` for new tokens. Mutates the buffers.

        ``gaps`` are positions left free before each block; without them positions are contiguous.
        """
        length = sum(block.tokens for block in blocks)
        if length + room > self._keys.shape[2]:
            self._keys, self._values = self._buffer(length + room), self._buffer(length + room)
        if room > self._raw.shape[2]:
            self._raw = self._buffer(room)
        start = 0
        for block in blocks:
            end = start + block.tokens
            self._keys[:, :, start:end] = block.keys
            self._values[:, :, start:end] = block.values
            start = end
        cos, sin = self._place(blocks, gaps)
        filled = self._keys[:, :, :length]
        filled.copy_(rotate(filled, cos, sin))
        self._assembled = self._length = length
        self._pending = 0
        self._nexts = []

    def _tables(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        return self._rotary.tables(start, end, self.spec.dtype)

    def _place(self, blocks: Sequence[Block], gaps: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Where each token of ``blocks`` stands, as cos and sin. Sets where what follows them starts."""
        starts: list[int] = []
        self._start = 0
        for block, gap in zip(blocks, gaps or [0] * len(blocks), strict=True):
            starts.append(self._start + gap)
            self._start += gap + block.info.span
        placed = list(zip(blocks, starts, strict=True))
        if any(block.info.grid is not None for block in blocks):
            parts = [layout(block.tokens, block.info.grid) + start for block, start in placed]
            return self._rotary.at(torch.cat(parts, dim=1), self.spec.dtype)
        if not any(gaps):
            return self._tables(0, self._start)
        tables = [self._tables(start, start + block.tokens) for block, start in placed]
        return torch.cat([cos for cos, _ in tables]), torch.cat([sin for _, sin in tables])

    def begin(self, tokens: int, observe: bool = False, positions: Tensor | None = None) -> None:
        """Prepare a forward pass over ``tokens`` new tokens; ``observe`` keeps their queries.

        ``positions``, int64 [3, tokens], are those in time, height and width; without them the tokens
        follow each other from ``position`` on.
        """
        room = self._raw.shape[2] - self.appended
        assert tokens <= room, f"{tokens} tokens do not fit in the {room} left"
        self._pending = tokens
        self._new = []
        # Views for all layers at once: a hundred slices fewer in each step.
        self._seen = self._views(0, self._length + tokens)
        self._added = self._views(self._length, tokens)
        position = self.position
        if positions is None:
            self._cos, self._sin = self._tables(position, position + tokens)
            self._pending_nexts = range(position + 1, position + tokens + 1)
        else:
            self._cos, self._sin = self._rotary.at(positions, self.spec.dtype)
            furthest = positions.amax(dim=0).cummax(dim=0).values
            self._pending_nexts = (furthest + 1).clamp(min=position).tolist()
        self._observed = [] if observe else None
        self._mask = self._causal_mask(tokens) if tokens > 1 else None

    def _views(self, start: int, tokens: int) -> tuple[tuple[Tensor, ...], ...]:
        """Keys and values of ``tokens`` from ``start`` on, each by layer."""
        return tuple(buffer.narrow(2, start, tokens).unbind(0) for buffer in (self._keys, self._values))

    def _causal_mask(self, tokens: int) -> Tensor:
        """Boolean [group * tokens, keys]: query heads of a group are packed into the query axis."""
        keys = torch.arange(self._length + tokens, device=self.spec.device)
        queries = torch.arange(tokens, device=self.spec.device) + self._length
        return (keys[None, :] <= queries[:, None]).repeat(self.spec.group, 1)

    def append(self, layer: int, keys: Tensor, values: Tensor) -> None:
        """Add the new tokens' raw ``keys`` and ``values`` [kv_heads, tokens, head_dim], layer by layer.

        The raw keys are kept, not copied, until ``finish``.
        """
        self._store(layer, keys, rotate(keys, self._cos, self._sin), values)

    def attend(self, layer: int, queries: Tensor, scale: float | None = None) -> Tensor:
        """Attention of raw ``queries`` [heads, tokens, head_dim]; the same shape comes back.

        ``scale`` multiplies the scores; 1 / sqrt(head_dim) when absent.
        """
        if self._observed is not None:
            self._observed.append(self._grouped(queries))
        return self._attend(layer, rotate(queries, self._cos, self._sin), scale)

    def append_and_attend(self, layer: int, fused: Tensor) -> Tensor:
        """Both at once and in fewer operations; ``fused`` is [heads + 2 kv_heads, tokens, head_dim]."""
        heads, kv_heads = self.spec.heads, self.spec.kv_heads
        turned = rotate(fused[:-kv_heads], self._cos, self._sin)
        self._store(layer, fused[heads:-kv_heads], turned[heads:], fused[-kv_heads:])
        if self._observed is not None:
            self._observed.append(self._grouped(fused[:heads]))
        return self._attend(layer, turned[:heads], None)

    def _store(self, layer: int, raw: Tensor, turned: Tensor, values: Tensor) -> None:
        assert layer == len(self._new), "layers come in turn"
        added_keys, added_values = self._added
        added_keys[layer].copy_(turned)
        added_values[layer].copy_(values)
        self._new.append(raw)

    def _grouped(self, queries: Tensor) -> Tensor:
        """Means of ``queries`` [heads, tokens, head_dim] over each group: [tokens, kv_heads * head_dim]."""
        _, tokens, dim = queries.shape
        grouped = queries.reshape(self.spec.kv_heads, self.spec.group, tokens, dim).mean(1)
        return grouped.transpose(0, 1).reshape(tokens, -1)

    def _attend(self, layer: int, turned: Tensor, scale: float | None) -> Tensor:
        """Query heads of a group are packed into the query axis.

        On CPU that is several times faster than ``enable_gqa`` for one-token steps, and it copies no keys.
        """
        heads, tokens, dim = turned.shape
        keys, values = self._seen
        out = torch.nn.functional.scaled_dot_product_attention(
            turned.reshape(self.spec.kv_heads, self.spec.group * tokens, dim),
            keys[layer],
            values[layer],
            attn_mask=self._mask,
            scale=scale,
        )
        return out.view(heads, tokens, dim)

    def finish(self) -> None:
        """The forward pass is done: the pending tokens are now part of the context."""
        offset = self.appended
        torch.stack(self._new, out=self._raw[:, :, offset : offset + self._pending])
        self._length += self._pending
        self._nexts += self._pending_nexts
        self._pending = 0
        self._new = []

    def truncate(self, appended: int) -> None:
        """Forget appended tokens past the first ``appended``."""
        assert 0 <= appended <= self.appended
        self._length = self._assembled + appended
        del self._nexts[appended:]

    def take_queries(self) -> Tensor:
        """Queries of the last pass, before rotation, averaged over each group: [layers, tokens, kv_dim].

        Only after ``begin(…, observe=True)``.
        """
        assert self._observed is not None, "the pass was not observed"
        queries, self._observed = torch.stack(self._observed), None
        return queries

    def appended_keys_values(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        """Raw keys and values of appended tokens ``start:end``, copied: [layers, kv_heads, n, head_dim]."""
        assert 0 <= start <= end <= self.appended
        offset = self._assembled
        keys = self._raw[:, :, start:end].clone()
        return keys, self._values[:, :, offset + start : offset + end].clone()
