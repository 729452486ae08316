"""Low-rank adapters of a checkpoint's linear layers (LoRA, Hu et al. 2021), made part of its weights.

The file is safetensors: ``<layer>.lora_A.weight`` [rank, in] and ``<layer>.lora_B.weight`` [out, rank] of
each layer, named as Transformers names it; its metadata say ``alpha``, and whose adapter it is (``base``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from streams.errors import ModelError, ModelNotFoundError
from streams.whole_file import whole_file

A, B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """``pairs`` of layers' factors, A [rank, in] and B [out, rank]; a layer's weight gains scale · B A.

    ``base`` is the model that it was trained on, by the name of its folder; "" where that is not known.
    """

    pairs: Mapping[str, tuple[Tensor, Tensor]]
    scale: float
    base: str = ""

    def check_base(self, model: Path) -> None:
        """Raises ModelError when it was trained on another model than the one in the folder ``model``."""
        if self.base and self.base != base_name(model):
            raise ModelError(
                f"the adapter is of '{self.base}', and the model is '{base_name(model)}'",
                param="models.sight",
            )

    def merge(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``weights`` with the adapter in them, new tensors where it changes them.

        Raises ModelError when it is of other layers or shapes.
        """
        merged = dict(weights)
        for layer, (down, up) in self.pairs.items():
            name = f"{layer}.weight"
            weight = weights.get(name)
            if weight is None or weight.shape != (len(up), down.shape[1]):
                raise ModelError(f"the adapter does not fit the model at {layer}", param="models.sight")
            change = self.scale * (up.float() @ down.float())
            merged[name] = (weight.float() + change.to(weight.device)).to(weight.dtype)
        return merged


def base_name(model: Path) -> str:
    """What an adapter calls the model in the folder ``model``."""
    return model.resolve().name


def save_adapter(factors: Mapping[str, Tensor], file: Path, facts: Mapping[str, str]) -> None:
    """Write ``factors``, named as in the file, as bfloat16, and ``facts`` as metadata; all of it or nothing.

    Raises ConfigError when ``file`` cannot be written.
    """
    tensors = {name: factor.to(torch.bfloat16).contiguous() for name, factor in factors.items()}
    with whole_file(file, "run.out") as out:
        out.write(save(tensors, dict(facts)))


def load_adapter(file: Path) -> Adapter:
    """Raises ModelNotFoundError, or ModelError when ``file`` is no adapter."""
    if not file.is_file():
        raise ModelNotFoundError(f"there is no adapter {file}", param="models.sight")
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        layers = sorted(name.removesuffix(A) for name in tensors if name.endswith(A))
        pairs = {layer: (tensors[layer + A], tensors[layer + B]) for layer in layers}
        ranks = {len(down) for down, _ in pairs.values()}
        if len(ranks) != 1:
            raise ModelError(f"{file}: all layers of an adapter have one rank", param="models.sight")
        return Adapter(pairs, float(metadata["alpha"]) / ranks.pop(), metadata.get("base", ""))
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"{file} is no adapter: {error}", param="models.sight") from None


def merge_into(module: torch.nn.Module, adapter: Adapter) -> None:
    """Mutates ``module``: its weights gain the adapter's. Raises ModelError as ``merge`` does."""
    weights = {f"{layer}.weight" for layer in adapter.pairs}
    named = {name: weight for name, weight in module.named_parameters() if name in weights}
    with torch.no_grad():
        for name, merged in adapter.merge(named).items():
            named[name].copy_(merged)
