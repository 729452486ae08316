"""A lean forward pass of our own for the Llama and Qwen2 families.

Fused q-k-v and gate-up products, no module overhead, keys written once into the context's buffers, and
int8 weights for one-token steps. The hooked backbone gives breadth, this one speed; tests hold each
against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from llm.context import Context
from llm.linear import DenseLinear, Int8Linear, Linear
from llm.rotary import Rotary
from llm.spec import ModelSpec

FAMILIES = ("llama", "qwen2", "qwen2_5_vl_text")
"""Model types; the last is Qwen2 too, inside Qwen2.5-VL."""

LinearFactory: TypeAlias = Callable[[Tensor, Tensor | None], Linear]


class Attention(Protocol):
    """What one layer attends through: a ``Context``, or many at once where a model is trained."""

    spec: ModelSpec

    def append_and_attend(self, layer: int, fused: Tensor) -> Tensor:
        """Attention of ``fused`` queries, keys and values [heads + 2 kv_heads, tokens, head_dim], not
        rotated: [heads, tokens, head_dim]."""
        ...


@dataclass(frozen=True, slots=True)
class LeanLayer:
    input_norm: Tensor
    qkv: Linear
    out: Linear
    mlp_norm: Tensor
    gate_up: Linear
    down: Linear

    def forward(self, index: int, x: Tensor, context: Attention, eps: float) -> Tensor:
        spec = context.spec
        tokens = x.shape[0]
        fused = self.qkv(rms_norm(x, self.input_norm, eps)).view(tokens, -1, spec.head_dim)
        attended = context.append_and_attend(index, fused.transpose(0, 1))
        x = x + self.out(attended.transpose(0, 1).reshape(tokens, -1))
        gate, up = self.gate_up(rms_norm(x, self.mlp_norm, eps)).chunk(2, dim=-1)
        return x + self.down(torch.nn.functional.silu(gate).mul_(up))


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """RMSNorm (Zhang and Sennrich 2019) of ``x`` [n, hidden]."""
    if len(x) > 1 or x.device.type != "cpu":
        return torch.nn.functional.rms_norm(x, (x.shape[1],), weight, eps)
    # PyTorch takes eight small operations for one row; these three do it in half the time.
    length = float(torch.linalg.vector_norm(x, dtype=torch.float32))
    return (x * weight).mul_((length * length / x.shape[1] + eps) ** -0.5)


class LeanBackbone:
    """``Backbone`` of a Llama or Qwen2 checkpoint. One-token steps use int8 weights when asked to."""

    def __init__(
        self,
        spec: ModelSpec,
        rotary: Rotary,
        weights: Mapping[str, Tensor],
        *,
        norm_eps: float,
        int8_decode: bool,
    ) -> None:
        """``weights`` are named as Transformers names them and are in the spec's dtype and device."""
        self.spec = spec
        self._rotary = rotary
        self._eps = norm_eps
        self._embedding = weights["model.embed_tokens.weight"]
        self._norm = weights["model.norm.weight"]
        head = weights.get("lm_head.weight", self._embedding)
        self._prefill = [lean_layer(weights, i, DenseLinear) for i in range(spec.layers)]
        self._head_rows = head
        self._head: Linear = DenseLinear(head)
        self.step_layers = self._prefill
        self._step_head: Linear = self._head
        if int8_decode:
            self.step_layers = [lean_layer(weights, i, Int8Linear) for i in range(spec.layers)]
            self._step_head = Int8Linear(head)

    @property
    def step_bytes(self) -> int:
        """Bytes of weights that a one-token step reads: what bounds its speed."""
        layers = sum(
            linear.nbytes
            for layer in self.step_layers
            for linear in (layer.qkv, layer.out, layer.gate_up, layer.down)
        )
        return layers + self._step_head.nbytes

    def new_context(self) -> Context:
        return Context(self.spec, self._rotary)

    @torch.inference_mode()
    def embed(self, ids: Sequence[int]) -> Tensor:
        return self._embedding[torch.tensor(ids, dtype=torch.long, device=self.spec.device)]

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
        context.begin(len(embeddings), observe, positions)
        layers = self.step_layers if len(embeddings) == 1 else self._prefill
        x = embeddings.to(self.spec.dtype)
        for index, layer in enumerate(layers):
            x = layer.forward(index, x, context, self._eps)
            if deep is not None and index < len(deep):
                x = x + deep[index]
        context.finish()
        return rms_norm(x, self._norm, self._eps)

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        rows = hidden.reshape(-1, self.spec.hidden)
        head = self._step_head if len(rows) == 1 else self._head
        return head(rows).float().view(*hidden.shape[:-1], -1)

    @torch.inference_mode()
    def scores(self, hidden: Tensor, ids: Sequence[int]) -> Tensor:
        rows = self._head_rows[torch.tensor(ids, device=self.spec.device)]
        return torch.nn.functional.linear(hidden, rows).float()


def lean_layer(weights: Mapping[str, Tensor], index: int, linear: LinearFactory) -> LeanLayer:
    """Layer ``index`` of weights named as Transformers names them; ``linear`` makes its four products."""
    prefix = f"model.layers.{index}."

    def fused(*names: str) -> Linear:
        weight = torch.cat([weights[f"{prefix}{name}.weight"] for name in names])
        biases = [weights.get(f"{prefix}{name}.bias") for name in names]
        given = [bias for bias in biases if bias is not None]
        assert len(given) in (0, len(names)), f"{names}: biases on some products only"
        return linear(weight, torch.cat(given) if given else None)

    return LeanLayer(
        input_norm=weights[f"{prefix}input_layernorm.weight"],
        qkv=fused("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        out=fused("self_attn.o_proj"),
        mlp_norm=weights[f"{prefix}post_attention_layernorm.weight"],
        gate_up=fused("mlp.gate_proj", "mlp.up_proj"),
        down=fused("mlp.down_proj"),
    )
