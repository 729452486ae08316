"""Builds a backbone, and an eye where the model has one, from a checkpoint's directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from llm.adapter import Adapter, merge_into
from llm.backbone import Backbone
from llm.families.families import family_of
from llm.hooked import HookedBackbone
from llm.lean import FAMILIES, LeanBackbone
from llm.quiet import no_progress_bars
from llm.rotary import Rotary
from llm.spec import ModelSpec
from llm.visual import Eye, PictureMarks
from streams.config import LlmConfig
from streams.errors import ModelError


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A language model, and of one that sees also its eye and the marks around what that sees."""

    backbone: Backbone
    eye: Eye | None = None
    marks: PictureMarks | None = None


def load_backbone(path: Path, config: LlmConfig, adapter: Adapter | None = None) -> Backbone:
    """The backbone of the checkpoint in ``path``, as ``config`` asks, with ``adapter`` in its weights.

    Raises ModelError, also for an adapter of another model.
    """
    return load_model(path, config, adapter).backbone


def load_model(path: Path, config: LlmConfig, adapter: Adapter | None = None) -> LoadedModel:
    """The checkpoint in ``path``, a language or vision-language model; ``adapter`` is for one of the former.

    Raises ModelError, also for an adapter of another model.
    """
    try:
        model_config = AutoConfig.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} holds no model that Transformers knows: {error}", param="models.llm"
        ) from None
    spec = _spec(model_config, config)
    lean = _is_lean(model_config, config)
    if family_of(model_config) is not None:
        if adapter is not None:
            raise ModelError(f"{path} sees by itself: it takes no adapter", param="models.llm")
        return open_seeing(_pretrained(AutoModelForImageTextToText, path, spec), path, config)
    if lean:
        weights = load_weights(path, spec)
        merged = weights if adapter is None else adapter.merge(weights)
        return LoadedModel(_new_lean(model_config, spec, merged, config))
    model = _pretrained(AutoModelForCausalLM, path, spec)
    if adapter is not None:
        merge_into(model, adapter)
    return LoadedModel(HookedBackbone(model.get_decoder(), model.get_output_embeddings(), spec))


def open_seeing(model: Any, path: Path, config: LlmConfig) -> LoadedModel:
    """A vision-language ``model`` of Transformers: a backbone of the decoder inside, an eye of the rest.

    ``path`` says how pictures are prepared. Takes the model apart. Raises ModelError.
    """
    family, text = family_of(model.config), model.config.get_text_config()
    assert family is not None, "a model that sees"
    spec = _spec(model.config, config)
    decoder, head = getattr(model.model, family.decoder), model.get_output_embeddings()
    rows = None if family.position_rows is None else family.position_rows(text)
    backbone: Backbone
    if _is_lean(model.config, config):
        weights = {f"model.{name}": weight for name, weight in decoder.state_dict().items()}
        weights["lm_head.weight"] = head.weight.detach()
        backbone = _new_lean(text, spec, weights, config, rows)
        setattr(model.model, family.decoder, nn.Identity())  # its weights live in the backbone now
    else:
        backbone = HookedBackbone(decoder, head, spec, rows)
    return LoadedModel(backbone, family.new_eye(model, path, config), family.marks)


def _spec(model_config: PreTrainedConfig, config: LlmConfig) -> ModelSpec:
    return replace(describe(model_config.get_text_config(), config), name=model_config.name_or_path)


def _is_lean(model_config: PreTrainedConfig, config: LlmConfig) -> bool:
    """Whether the lean backbone runs it. Raises ModelError when it cannot and is asked to."""
    text = model_config.get_text_config()
    can = _lean_can(text)
    if config.backend == "lean" and not can:
        raise ModelError(
            f"the lean backend runs {' and '.join(FAMILIES)} models, not '{text.model_type}'",
            param="llm.backend",
        )
    return can and config.backend != "hooked"


def _pretrained(kind: Any, path: Path, spec: ModelSpec) -> Any:
    try:
        with no_progress_bars():
            return kind.from_pretrained(path, dtype=spec.dtype).to(spec.device).eval()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be loaded: {error}", param="models.llm") from None


def _new_lean(
    model: PreTrainedConfig,
    spec: ModelSpec,
    weights: Mapping[str, Tensor],
    config: LlmConfig,
    rows: Tensor | None = None,
) -> LeanBackbone:
    int8 = config.decode_weights == "int8" or (
        config.decode_weights == "auto" and spec.device.type == "cpu" and config.dtype != "float32"
    )
    rotary = rotary_of(model, spec.device, rows)
    return LeanBackbone(spec, rotary, weights, norm_eps=model.rms_norm_eps, int8_decode=int8)


def describe(model: PreTrainedConfig, config: LlmConfig) -> ModelSpec:
    """The spec of a model configuration on the device and in the dtype that ``config`` chooses."""
    device = torch.device(config.device if config.device != "auto" else _best_device())
    dtype = _best_dtype(device) if config.dtype == "auto" else _DTYPES[config.dtype]
    heads = model.num_attention_heads
    return ModelSpec(
        name=model.name_or_path,
        layers=model.num_hidden_layers,
        heads=heads,
        kv_heads=getattr(model, "num_key_value_heads", None) or heads,
        head_dim=getattr(model, "head_dim", None) or model.hidden_size // heads,
        hidden=model.hidden_size,
        vocab=model.vocab_size,
        max_positions=model.max_position_embeddings,
        dtype=dtype,
        device=device,
    )


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def _best_dtype(device: torch.device) -> torch.dtype:
    """bfloat16, but on a processor for which there are no kernels for it: where it is emulated (AVX2) prefill
    takes three to four times as long as in float32."""
    if device.type != "cpu":
        return torch.bfloat16
    kernels = torch._C._has_mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if kernels else torch.float32


def _best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _lean_can(model: PreTrainedConfig) -> bool:
    sliding = getattr(model, "use_sliding_window", False)
    plain = (
        getattr(model, "hidden_act", None) == "silu" and not getattr(model, "mlp_bias", False) and not sliding
    )
    return model.model_type in FAMILIES and plain and model.rope_parameters["rope_type"] != "dynamic"


def rotary_of(model: PreTrainedConfig, device: torch.device, rows: Tensor | None = None) -> Rotary:
    """The angles of a model configuration; ``rows`` are those of ``Rotary``."""
    kind = model.rope_parameters["rope_type"]
    if kind == "default":
        dim = getattr(model, "head_dim", None) or model.hidden_size // model.num_attention_heads
        exponents = torch.arange(0, dim, 2, dtype=torch.float32, device=device) / dim
        return Rotary(1.0 / model.rope_parameters["rope_theta"] ** exponents, rows=rows)
    inv_freq, scaling = ROPE_INIT_FUNCTIONS[kind](model, device)
    return Rotary(inv_freq, scaling, rows)


def load_weights(path: Path, spec: ModelSpec) -> dict[str, Tensor]:
    """All weights in ``path``, in the dtype and on the device of ``spec``. Raises ModelError without any."""
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{path} has no safetensors weights", param="models.llm")
    weights: dict[str, Tensor] = {}
    for file in files:
        weights |= load_file(file, device=str(spec.device))
    return {name: weight.to(spec.dtype) for name, weight in weights.items()}
