"""Low-rank adapters while they are trained (LoRA, Hu et al. 2021), on the lean layers' fused products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from llm.adapter import A, Adapter, B
from llm.lean import LeanLayer, lean_layer
from llm.spec import ModelSpec
from streams.errors import ModelError

PRODUCTS = ("qkv", "out", "gate_up", "down")


class LoraLinear(nn.Module):
    """A frozen product with a trained low-rank one beside it: x W' + scale · (x A') B'.

    Factors are float32 and used in the weights' type, so that small steps are not lost. ``up`` starts at
    zero: an adapter not yet trained changes nothing.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, rank: int, scale: float) -> None:
        super().__init__()
        self.weight = weight
        self.bias = bias
        self.scale = scale
        self.nbytes = weight.nbytes
        bound = weight.shape[1] ** -0.5
        self.down = nn.Parameter(torch.empty(rank, weight.shape[1]).uniform_(-bound, bound))
        self.up = nn.Parameter(torch.zeros(len(weight), rank))

    def forward(self, x: Tensor) -> Tensor:
        inner = linear(x, self.down.to(x.dtype))
        return linear(x, self.weight, self.bias) + linear(inner, self.up.to(x.dtype) * self.scale)


class LoraLayers(nn.Module):
    """The layers of a Llama or Qwen2 model with adapters on all their products.

    The arithmetic is the engine's own (``LeanLayer``): what is trained is what will run. ``weights`` are
    named as Transformers names them, and stay as they are.
    """

    def __init__(self, spec: ModelSpec, weights: Mapping[str, Tensor], rank: int, alpha: float) -> None:
        super().__init__()
        self.spec = spec
        self.rank = rank
        self.alpha = alpha
        self.layers: list[LeanLayer] = []
        self.products = nn.ModuleList()
        self._sizes = {
            "qkv": {
                "self_attn.q_proj": spec.heads * spec.head_dim,
                "self_attn.k_proj": spec.kv_heads * spec.head_dim,
                "self_attn.v_proj": spec.kv_heads * spec.head_dim,
            },
            "out": {"self_attn.o_proj": spec.hidden},
            "gate_up": {
                "mlp.gate_proj": len(weights["model.layers.0.mlp.gate_proj.weight"]),
                "mlp.up_proj": len(weights["model.layers.0.mlp.up_proj.weight"]),
            },
            "down": {"mlp.down_proj": spec.hidden},
        }
        for index in range(spec.layers):
            layer = lean_layer(weights, index, self._make(rank, alpha / rank))
            self.layers.append(layer)
            self.products.append(nn.ModuleDict({name: getattr(layer, name) for name in PRODUCTS}))

    @staticmethod
    def _make(rank: int, scale: float) -> Callable[[Tensor, Tensor | None], LoraLinear]:
        return lambda weight, bias: LoraLinear(weight, bias, rank, scale)

    def _products(self) -> Iterator[tuple[str, LoraLinear, dict[str, int]]]:
        for index, layer in enumerate(self.layers):
            for name in PRODUCTS:
                product = getattr(layer, name)
                assert isinstance(product, LoraLinear)
                yield f"model.layers.{index}", product, self._sizes[name]

    def begin_at(self, adapter: Adapter) -> None:
        """Take over the factors of ``adapter``, of the same rank and scale. Mutates the parameters.

        Raises ModelError where it has other layers or shapes, or the layers that are one product here do not
        share A, as those that ``adapter()`` wrote do.
        """
        pairs = dict(adapter.pairs)
        for prefix, product, sizes in self._products():
            found = [pairs.pop(f"{prefix}.{part}", None) for part in sizes]
            downs = [pair[0].float() for pair in found if pair is not None]
            fits = (
                len(downs) == len(found)
                and all(down.shape == product.down.shape for down in downs)
                and all(torch.equal(down, downs[0]) for down in downs)
                and [len(pair[1]) for pair in found if pair is not None] == list(sizes.values())
            )
            if not fits:
                raise ModelError(
                    f"the weights to start from do not fit {prefix}: they are of another model, or not "
                    "of streams train",
                    param="run.start",
                )
            with torch.no_grad():
                product.down.copy_(downs[0])
                product.up.copy_(torch.cat([pair[1].float() for pair in found if pair is not None]))
        if pairs:
            raise ModelError(f"the weights to start from have {next(iter(pairs))} too", param="run.start")

    def adapter(self) -> dict[str, Tensor]:
        """The factors of each layer apart, named as ``load_adapter`` reads them, in float32."""
        tensors: dict[str, Tensor] = {}
        for prefix, product, sizes in self._products():
            parts = torch.split(product.up.detach(), list(sizes.values()))
            for part, up in zip(sizes, parts, strict=True):
                # Parts of a fused product share A; a file may not hold one tensor twice.
                tensors[f"{prefix}.{part}{A}"] = product.down.detach().clone()
                tensors[f"{prefix}.{part}{B}"] = up.clone()
        return tensors
