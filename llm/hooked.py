"""Any Transformers causal language model, or the one in a vision-language model, as a backbone.

No model class is edited.

The model's rotary module is swapped for one that rotates nothing, so the cache receives raw keys; a
registered attention function then attends through the ``Context``, which rotates queries and keys at the
positions of the assembled context.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin

from llm.context import Context
from llm.rotary import Rotary
from llm.spec import ModelSpec

ATTENTION = "streams_context"


class IdentityRotary(nn.Module):
    """Stands in for a model's rotary module: cos = 1, sin = 0."""

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        shape = (*x.shape[:2], self.head_dim)  # also where position ids have three rows
        return x.new_ones(shape), x.new_zeros(shape)


class ContextLayer(CacheLayerMixin):  # type: ignore[misc]
    """Hands one layer's raw keys to the context. What it returns is not attended to: the context is."""

    is_sliding = False

    def __init__(self, context: Context, index: int) -> None:
        super().__init__()
        self._context = context
        self._index = index

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        self._context.append(self._index, key_states[0], value_states[0])
        return key_states, value_states

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._context.length + query_length, 0

    def get_seq_length(self) -> int:
        return self._context.length

    def get_max_length(self) -> int:
        return -1


def attend_context(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    context: Context,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """The registered attention function. ``query`` is [1, heads, tokens, head_dim], not rotated."""
    layer = module.layer_idx
    assert isinstance(layer, int)
    return context.attend(layer, query[0], scaling).transpose(0, 1)[None], None


class HookedBackbone:
    """``Backbone`` of a Transformers decoder. Mutates it: its rotary module and its attention name."""

    def __init__(
        self, decoder: PreTrainedModel, head: nn.Module, spec: ModelSpec, rows: Tensor | None = None
    ) -> None:
        """``head`` scores the vocabulary; ``rows`` are those of ``Rotary``, for positions of three rows."""
        self.spec = spec
        self._decoder = decoder.eval()
        self._head = head.eval()
        source: Any = decoder.rotary_emb
        self._rotary = Rotary(source.inv_freq.detach().clone(), source.attention_scaling, rows)
        decoder.rotary_emb = IdentityRotary(spec.head_dim)
        takes = inspect.signature(decoder.forward).parameters
        self._takes_deep = "deepstack_visual_embeds" in takes
        self._cache_name = "cache" if "cache" in takes else "past_key_values"  # its older name
        AttentionInterface.register(ATTENTION, attend_context)
        decoder.set_attn_implementation(ATTENTION)

    def new_context(self) -> Context:
        return Context(self.spec, self._rotary)

    @torch.inference_mode()
    def embed(self, ids: Sequence[int]) -> Tensor:
        table = self._decoder.get_input_embeddings()
        embedded: Tensor = table(torch.tensor(ids, dtype=torch.long, device=self.spec.device))
        return embedded

    @torch.inference_mode()
    def forward(
        self,
        embeddings: Tensor,
        context: Context,
        *,
        observe: bool = False,
        positions: Tensor | None = None,
        deep: Tensor | None = None,
    ) -> Tensor:
        assert deep is None or self._takes_deep, "this decoder adds nothing in its layers"
        context.begin(len(embeddings), observe, positions)
        cache = Cache(layers=[ContextLayer(context, index) for index in range(self.spec.layers)])
        added = {} if deep is None else self._deep(deep)
        out = self._decoder(
            inputs_embeds=embeddings.to(self.spec.dtype)[None],
            use_cache=True,
            context=context,
            **{self._cache_name: cache},
            **added,
        )
        context.finish()
        hidden: Tensor = out.last_hidden_state[0]
        return hidden

    @staticmethod
    def _deep(deep: Tensor) -> dict[str, Any]:
        """What Qwen3-VL's decoder takes; nothing is added where there is text."""
        everywhere = torch.ones((1, deep.shape[1]), dtype=torch.bool, device=deep.device)
        return {"visual_pos_masks": everywhere, "deepstack_visual_embeds": list(deep)}

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        scores: Tensor = self._head(hidden).float()
        return scores

    @torch.inference_mode()
    def scores(self, hidden: Tensor, ids: Sequence[int]) -> Tensor:
        head: Any = self._head
        bias = getattr(head, "bias", None)
        rows = torch.tensor(ids, device=head.weight.device)
        scores = torch.nn.functional.linear(hidden, head.weight[rows], None if bias is None else bias[rows])
        return scores.float()
