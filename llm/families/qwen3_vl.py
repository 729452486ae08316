"""Qwen3-VL (Bai et al. 2025): features of several layers of its eye go into its first layers (DeepStack)."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from llm.families.family import Family
from llm.families.qwen_vl import MARKS, QwenEye

SECTIONS = [24, 20, 20]


def position_rows(config: PreTrainedConfig) -> Tensor:
    """Frequencies by turns: time, height, width, time, …, and time again when the others have enough."""
    sections = config.rope_parameters.get("mrope_section", SECTIONS)
    rows = torch.zeros(sum(sections), dtype=torch.long)
    for row in (1, 2):
        rows[row : 3 * sections[row] : 3] = row
    return rows


QWEN3_VL = Family(
    name="Qwen3-VL",
    model_types=("qwen3_vl",),
    decoder="language_model",
    marks=MARKS,
    new_eye=QwenEye,
    position_rows=position_rows,
)
