"""Qwen2.5-VL (Bai et al. 2025)."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from llm.families.family import Family
from llm.families.qwen_vl import MARKS, QwenEye

SECTIONS = [16, 24, 24]


def position_rows(config: PreTrainedConfig) -> Tensor:
    """Frequencies in three runs: the fastest take time, then height, then width."""
    sections = config.rope_parameters.get("mrope_section", SECTIONS)
    return torch.cat([torch.full((count,), number % 3) for number, count in enumerate(sections)])


QWEN2_5_VL = Family(
    name="Qwen2.5-VL",
    model_types=("qwen2_5_vl",),
    decoder="language_model",
    marks=MARKS,
    new_eye=QwenEye,
    position_rows=position_rows,
)
