"""Low-rank adapters of a checkpoint's linear layers (LoRA, Hu et al. 2021), made part of its weights.

The file is safetensors: ``<layer>.lora_A.weight`` [rank, in] and ``<layer>.lora_B.weight`` [out, rank] of
each layer, named as Transformers names it; its metadata say ``alpha``, and may say of what weights it is
(``base_weights``) and from what urge on to speak up (``speak_threshold``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from streams.errors import ModelError, ModelNotFoundError
from streams.whole_file import whole_file

A, B = ".lora_A.weight", ".lora_B.weight"
BASE_WEIGHTS, SPEAK_THRESHOLD = "base_weights", "speak_threshold"
"""Keys in an adapter's metadata; the first one's value is of ``weights_mark``."""
SAMPLED = 256
"""Values of each layer's weight that a mark is of."""


class _Metadata(BaseModel):
    """What an adapter's file says beside its tensors; other keys are whoever's who wrote them."""

    alpha: float = Field(gt=0, allow_inf_nan=False)
    base_weights: str = ""
    speak_threshold: float | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """``pairs`` of layers' factors, A [rank, in] and B [out, rank]; a layer's weight gains scale · B A.

    ``base_weights`` is the ``weights_mark`` of the weights that it was trained on, "" where that is not
    known; ``speak_threshold`` as calibrated, None where none was.
    """

    pairs: Mapping[str, tuple[Tensor, Tensor]]
    scale: float
    base_weights: str = ""
    speak_threshold: float | None = None

    def merge(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``weights`` with the adapter in them, new tensors where it changes them.

        Raises ModelError when it is of other layers or shapes, or was trained on other weights.
        """
        for layer, (down, up) in self.pairs.items():
            weight = weights.get(f"{layer}.weight")
            if weight is None or weight.shape != (len(up), down.shape[1]):
                raise ModelError(f"the adapter does not fit the model at {layer}", param="models.sight")
        if self.base_weights and self.base_weights != weights_mark(weights, self.pairs):
            raise ModelError(
                "the adapter was trained on a model of the same shape with other weights than this one's",
                param="models.sight",
            )
        merged = dict(weights)
        for layer, (down, up) in self.pairs.items():
            name = f"{layer}.weight"
            weight = weights[name]
            change = self.scale * (up.float() @ down.float())
            merged[name] = (weight.float() + change.to(weight.device)).to(weight.dtype)
        return merged


def weights_mark(weights: Mapping[str, Tensor], layers: Iterable[str]) -> str:
    """Tells a checkpoint's ``weights`` of ``layers`` from another's of the same shape, however they are kept.

    A hash of shapes and of evenly spread values, as bfloat16: the same on any device, in float32 too, and
    whatever folder and files the checkpoint lies in. Any training changes it.
    """
    digest = hashlib.sha256()
    for layer in sorted(layers):
        weight = weights[f"{layer}.weight"].detach()
        flat = weight.flatten()
        spread = flat[:: max(len(flat) // SAMPLED, 1)][:SAMPLED].to(torch.bfloat16).cpu().contiguous()
        digest.update(f"{layer} {tuple(weight.shape)}".encode() + spread.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_adapter(factors: Mapping[str, Tensor], file: Path, facts: Mapping[str, str]) -> None:
    """Write ``factors``, named as in the file, as bfloat16, and ``facts`` as metadata; all of it or nothing.

    Raises ConfigError when ``file`` cannot be written.
    """
    tensors = {name: factor.to(torch.bfloat16).contiguous() for name, factor in factors.items()}
    with whole_file(file, "run.out", shared=True) as out:
        out.write(save(tensors, dict(facts)))


def load_adapter(file: Path) -> Adapter:
    """Raises ModelNotFoundError, or ModelError when ``file`` is no adapter."""
    if not file.is_file():
        raise ModelNotFoundError(f"there is no adapter {file}", param="models.sight")
    try:
        with safe_open(file, "pt") as opened:
            metadata = _Metadata.model_validate(opened.metadata() or {})
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        pairs, rank = _paired(tensors)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{file}: metadata: {key}: {first['msg']}", param="models.sight") from None
    except (SafetensorError, ValueError) as error:
        raise ModelError(f"{file} is no adapter: {error}", param="models.sight") from None
    return Adapter(pairs, metadata.alpha / rank, metadata.base_weights, metadata.speak_threshold)


def _paired(tensors: Mapping[str, Tensor]) -> tuple[dict[str, tuple[Tensor, Tensor]], int]:
    """The factors of each layer, and the rank. Raises ValueError where they are no pairs of one rank."""
    layers = sorted({name.removesuffix(A).removesuffix(B) for name in tensors})
    if not layers:
        raise ValueError("it has no layers")
    pairs = {}
    for layer in layers:
        for part in (A, B):
            if layer + part not in tensors:
                raise ValueError(f"it has no {layer}{part}")
        down, up = tensors[layer + A], tensors[layer + B]
        if down.ndim != 2 or up.ndim != 2 or not len(down) or len(down) != up.shape[1]:
            raise ValueError(f"{layer} has A {list(down.shape)} and B {list(up.shape)}")
        pairs[layer] = down, up
    ranks = {len(down) for down, _ in pairs.values()}
    if len(ranks) > 1:
        raise ValueError("its layers have not one rank")
    return pairs, ranks.pop()


def merge_into(module: torch.nn.Module, adapter: Adapter) -> None:
    """Mutates ``module``: its weights gain the adapter's. Raises ModelError as ``merge`` does."""
    weights = {f"{layer}.weight" for layer in adapter.pairs}
    named = {name: weight for name, weight in module.named_parameters() if name in weights}
    with torch.no_grad():
        for name, merged in adapter.merge(named).items():
            named[name].copy_(merged)
