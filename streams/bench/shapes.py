"""Vision-language models by their shape alone: random weights are as fast as trained ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForImageTextToText,
    LlavaOnevisionConfig,
    PreTrainedConfig,
    Qwen2_5_VLConfig,
    Qwen3VLConfig,
    SmolVLMConfig,
)
from transformers.models.llava_onevision.video_processing_llava_onevision import LlavaOnevisionVideoProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
from transformers.models.smolvlm.image_processing_smolvlm import SmolVLMImageProcessor

from llm.loading import LoadedModel, describe, open_seeing
from streams.config import LlmConfig

SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 26,
    "num_attention_heads": 16,
    "image_size": 384,
    "patch_size": 14,
    "vision_use_head": False,
}
PLAIN_ROPE = {"rope_type": "default", "rope_theta": 1_000_000.0}
SMALL_LAYERS = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """``config`` makes a configuration with so many layers, ``processor`` what prepares pictures for it."""

    layers: int
    eye_layers: int
    config: Callable[[int, int], PreTrainedConfig]
    processor: Callable[[], Any]

    def build(self, folder: Path, config: LlmConfig, *, small: bool) -> LoadedModel:
        """The model with random weights; ``folder`` takes what says how its pictures are prepared.

        With ``small`` it has two layers and its eye two, each as wide as ever.
        """
        layers = (SMALL_LAYERS, SMALL_LAYERS) if small else (self.layers, self.eye_layers)
        shape = self.config(*layers)
        spec = describe(shape.get_text_config(), config)
        with torch.device(spec.device):
            model = AutoModelForImageTextToText.from_config(shape, dtype=spec.dtype).eval()
        self.processor().save_pretrained(folder)
        return open_seeing(model, folder, config)


def _llava(layers: int, eye_layers: int, **text: int) -> PreTrainedConfig:
    return LlavaOnevisionConfig(
        text_config={
            "model_type": "qwen2",
            "vocab_size": 152_000,
            "num_hidden_layers": layers,
            "max_position_embeddings": 32_768,
            "rope_parameters": PLAIN_ROPE,
            **text,
        },
        vision_config=SIGLIP | {"num_hidden_layers": eye_layers},
    )


def _llava_7b(layers: int, eye_layers: int) -> PreTrainedConfig:
    heads = {"num_attention_heads": 28, "num_key_value_heads": 4}
    return _llava(layers, eye_layers, hidden_size=3_584, intermediate_size=18_944, **heads)


def _llava_500m(layers: int, eye_layers: int) -> PreTrainedConfig:
    heads = {"num_attention_heads": 14, "num_key_value_heads": 2}
    return _llava(layers, eye_layers, hidden_size=896, intermediate_size=4_864, **heads)


def _smolvlm2_500m(layers: int, eye_layers: int) -> PreTrainedConfig:
    return SmolVLMConfig(
        text_config={
            "model_type": "llama",
            "vocab_size": 49_280,
            "hidden_size": 960,
            "intermediate_size": 2_560,
            "num_hidden_layers": layers,
            "num_attention_heads": 15,
            "num_key_value_heads": 5,
            "head_dim": 64,
            "max_position_embeddings": 8_192,
        },
        vision_config={
            "hidden_size": 768,
            "intermediate_size": 3_072,
            "num_hidden_layers": eye_layers,
            "num_attention_heads": 12,
            "image_size": 512,
            "patch_size": 16,
        },
        scale_factor=4,
    )


def _smolvlm_processor() -> Any:
    return SmolVLMImageProcessor(size={"longest_edge": 512}, max_image_size={"longest_edge": 512})


def _qwen2_5_vl_7b(layers: int, eye_layers: int) -> PreTrainedConfig:
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 152_064,
            "hidden_size": 3_584,
            "intermediate_size": 18_944,
            "num_hidden_layers": layers,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "max_position_embeddings": 128_000,
            "rope_parameters": PLAIN_ROPE | {"mrope_section": [16, 24, 24]},
        },
        vision_config={"depth": eye_layers, "hidden_size": 1_280, "intermediate_size": 3_420},
    )


def _qwen3_vl_8b(layers: int, eye_layers: int) -> PreTrainedConfig:
    taken = [depth for depth in (8, 16, 24) if depth < eye_layers] or [0]
    return Qwen3VLConfig(
        text_config={
            "vocab_size": 151_936,
            "hidden_size": 4_096,
            "intermediate_size": 12_288,
            "num_hidden_layers": layers,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "max_position_embeddings": 262_144,
            "rope_parameters": PLAIN_ROPE | {"mrope_section": [24, 20, 20]},
        },
        vision_config={"depth": eye_layers, "out_hidden_size": 4_096, "deepstack_visual_indexes": taken},
    )


def _qwen3_processor() -> Any:
    return Qwen2VLImageProcessor(patch_size=16, size={"shortest_edge": 65_536, "longest_edge": 16_777_216})


SHAPES = {
    "llava-onevision-7b": Shape(28, 26, _llava_7b, LlavaOnevisionVideoProcessor),
    "llava-onevision-0.5b": Shape(24, 26, _llava_500m, LlavaOnevisionVideoProcessor),
    "smolvlm2-500m": Shape(32, 12, _smolvlm2_500m, _smolvlm_processor),
    "qwen2.5-vl-7b": Shape(28, 32, _qwen2_5_vl_7b, Qwen2VLImageProcessor),
    "qwen3-vl-8b": Shape(36, 27, _qwen3_vl_8b, _qwen3_processor),
}
