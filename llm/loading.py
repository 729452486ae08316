"""Builds a backbone from a checkpoint directory or hub name."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from llm.adapter import Adapter, merge_into
from llm.backbone import Backbone
from llm.hooked import HookedBackbone
from llm.lean import FAMILIES, LeanBackbone
from llm.rotary import Rotary
from llm.spec import ModelSpec
from streams.config import LlmConfig
from streams.errors import ModelError


def load_backbone(path: Path, config: LlmConfig, adapter: Adapter | None = None) -> Backbone:
    """The backbone of the checkpoint in ``path``, as ``config`` asks, with ``adapter`` in its weights.

    Raises ModelError, also for an adapter of another model.
    """
    try:
        model_config = AutoConfig.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} holds no model that Transformers knows: {error}", param="models.llm"
        ) from None
    spec = describe(model_config, config)
    lean = _lean_can(model_config)
    if config.backend == "lean" and not lean:
        raise ModelError(
            f"the lean backend runs {' and '.join(FAMILIES)} models, not '{model_config.model_type}'",
            param="llm.backend",
        )
    if config.backend == "hooked" or not lean:
        try:
            model = AutoModelForCausalLM.from_pretrained(path, dtype=spec.dtype).to(spec.device)
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be loaded: {error}", param="models.llm") from None
        if adapter is not None:
            merge_into(model, adapter)
        return HookedBackbone(model, spec)
    int8 = config.decode_weights == "int8" or (
        config.decode_weights == "auto" and spec.device.type == "cpu" and spec.dtype == torch.bfloat16
    )
    weights = load_weights(path, spec)
    return LeanBackbone(
        spec,
        rotary_of(model_config, spec.device),
        weights if adapter is None else adapter.merge(weights),
        norm_eps=model_config.rms_norm_eps,
        int8_decode=int8,
    )


def describe(model: PreTrainedConfig, config: LlmConfig) -> ModelSpec:
    """The spec of a model configuration on the device and in the dtype that ``config`` chooses."""
    device = torch.device(config.device if config.device != "auto" else _best_device())
    dtype = torch.float32 if config.dtype == "float32" else torch.bfloat16
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


def _best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _lean_can(model: PreTrainedConfig) -> bool:
    sliding = getattr(model, "use_sliding_window", False)
    plain = (
        getattr(model, "hidden_act", None) == "silu" and not getattr(model, "mlp_bias", False) and not sliding
    )
    return model.model_type in FAMILIES and plain and model.rope_parameters["rope_type"] != "dynamic"


def rotary_of(model: PreTrainedConfig, device: torch.device) -> Rotary:
    """The angles of a model configuration."""
    kind = model.rope_parameters["rope_type"]
    if kind == "default":
        dim = getattr(model, "head_dim", None) or model.hidden_size // model.num_attention_heads
        exponents = torch.arange(0, dim, 2, dtype=torch.float32, device=device) / dim
        return Rotary(1.0 / model.rope_parameters["rope_theta"] ** exponents)
    inv_freq, scaling = ROPE_INIT_FUNCTIONS[kind](model, device)
    return Rotary(inv_freq, scaling)


def load_weights(path: Path, spec: ModelSpec) -> dict[str, Tensor]:
    """All weights in ``path``, in the dtype and on the device of ``spec``. Raises ModelError without any."""
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{path} has no safetensors weights", param="models.llm")
    weights: dict[str, Tensor] = {}
    for file in files:
        weights |= load_file(file, device=str(spec.device))
    return {name: weight.to(spec.dtype) for name, weight in weights.items()}
