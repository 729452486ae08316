"""Attention of a training step: what ``Context`` does pass by pass, for all at once and differentiable."""

from __future__ import annotations

from torch import Tensor, cat
from torch.nn.functional import embedding, scaled_dot_product_attention

from llm.rotary import Rotary, rotate
from llm.spec import ModelSpec
from streams.train.spans import Bucket, Layout


class SpanAttention:
    """``Attention`` over the spans of one batch, differentiable. Mutates nothing.

    Rows are gathered with ``embedding``: its gradient adds up rows in parallel, that of indexing does not.
    """

    def __init__(self, spec: ModelSpec, rotary: Rotary, layout: Layout) -> None:
        self.spec = spec
        self._layout = layout
        longest = max(bucket.keys.shape[1] for bucket in layout.buckets)
        self._cos, self._sin = (table[:, None] for table in rotary.tables(0, longest, spec.dtype))
        self._own_cos, self._own_sin = self._cos[layout.positions], self._sin[layout.positions]

    def append_and_attend(self, layer: int, fused: Tensor) -> Tensor:
        spec = self.spec
        rows = fused.transpose(0, 1)
        queries = rotate(rows[:, : spec.heads], self._own_cos, self._own_sin).flatten(1)
        keys_values = rows[:, spec.heads :].flatten(1)
        outs = [self._attend(bucket, queries, keys_values) for bucket in self._layout.buckets]
        flat = embedding(self._layout.order, cat(outs))
        return flat.view(-1, spec.heads, spec.head_dim).transpose(0, 1)

    def _attend(self, bucket: Bucket, queries: Tensor, keys_values: Tensor) -> Tensor:
        """Rows [spans * q, heads * head_dim] of a bucket."""
        spec = self.spec
        spans, asked = bucket.queries.shape
        length = bucket.keys.shape[1]
        shape = spans, length, 2 * spec.kv_heads, spec.head_dim
        keys, values = embedding(bucket.keys, keys_values).view(shape).chunk(2, dim=2)
        keys = rotate(keys, self._cos[:length], self._sin[:length])
        grouped = spans, asked, spec.kv_heads, spec.group, spec.head_dim
        packed = embedding(bucket.queries, queries).view(grouped).permute(0, 2, 3, 1, 4)
        out = scaled_dot_product_attention(
            packed.reshape(spans, spec.kv_heads, spec.group * asked, spec.head_dim),
            keys.transpose(1, 2),
            values.transpose(1, 2),
            attn_mask=bucket.mask,
        )
        unpacked = out.view(spans, spec.kv_heads, spec.group, asked, spec.head_dim).permute(0, 3, 1, 2, 4)
        return unpacked.reshape(spans * asked, -1)
