"""LLaVA-OneVision (Li et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from llm.families.family import Family
from llm.families.processor import load_video_processor
from llm.visual import PictureMarks, VisualTokens
from streams.config import LlmConfig
from streams.types import Embedding, Frame


class LlavaOnevisionEye:
    """Frames as this model takes those of a film: pooled to a quarter of the patches, 196 tokens.

    The model puts one newline behind a whole film. A stream has no end, so there is none.
    """

    speaks = False

    def __init__(self, model: PreTrainedModel, path: Path, config: LlmConfig) -> None:
        self._model: Any = model.model
        self._dtype, self._device = model.dtype, model.device
        self._prepare = load_video_processor(path)

    @torch.inference_mode()
    def look(self, frames: Sequence[Frame], features: Sequence[Embedding]) -> list[VisualTokens]:
        if not frames:
            return []
        films = [torch.from_numpy(frame.image).permute(2, 0, 1)[None] for frame in frames]
        prepared = self._prepare(
            films, do_sample_frames=False, input_data_format="channels_first", return_tensors="pt"
        )
        pixels = prepared["pixel_values_videos"].to(self._device, self._dtype)
        seen = self._model.get_video_features(pixels).pooler_output
        return [VisualTokens(tokens[:-1]) for tokens in seen]


LLAVA_ONEVISION = Family(
    name="LLaVA-OneVision",
    model_types=("llava_onevision",),
    decoder="language_model",
    marks=PictureMarks("", "<video>", ""),
    new_eye=LlavaOnevisionEye,
)
