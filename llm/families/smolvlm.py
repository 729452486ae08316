"""SmolVLM and SmolVLM2 (Marafioti et al. 2025); the first of them are Idefics3 (Laurençon et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from llm.families.family import Family
from llm.families.processor import load_image_processor, pictures
from llm.visual import PictureMarks, VisualTokens
from streams.config import LlmConfig
from streams.types import Embedding, Frame


class SmolVLMEye:
    """Each frame whole, in one square, as these models take films: 64 tokens in most checkpoints.

    Tower and connector are called without the model's own way there, which takes a picture whose prepared
    pixels are all zero for padding and drops it without a word.
    """

    speaks = False

    def __init__(self, model: PreTrainedModel, path: Path, config: LlmConfig) -> None:
        inner: Any = model.model
        self._tower, self._connector = inner.vision_model, inner.connector
        self._patch: int = model.config.vision_config.patch_size
        self._dtype, self._device = model.dtype, model.device
        self._prepare = load_image_processor(path)
        # Pictures are made larger first, to be cut into pieces; a film's frames are not.
        self._size = {"longest_edge": self._prepare.max_image_size["longest_edge"]}

    @torch.inference_mode()
    def look(self, frames: Sequence[Frame], features: Sequence[Embedding]) -> list[VisualTokens]:
        if not frames:
            return []
        nested = [[picture] for picture in pictures(frames)]
        prepared = self._prepare(
            images=nested, size=self._size, do_image_splitting=False, return_tensors="pt"
        )
        pixels = prepared["pixel_values"].flatten(0, 1).to(self._device, self._dtype)
        assert len(pixels) == len(frames), "a square for each frame"
        places = (len(pixels), pixels.shape[2] // self._patch, pixels.shape[3] // self._patch)
        everywhere = torch.ones(places, dtype=torch.bool, device=self._device)
        seen = self._tower(pixel_values=pixels, patch_attention_mask=everywhere).last_hidden_state
        return [VisualTokens(tokens) for tokens in self._connector(seen)]


SMOLVLM = Family(
    name="SmolVLM",
    model_types=("smolvlm", "idefics3"),
    decoder="text_model",
    marks=PictureMarks("<fake_token_around_image><global-img>", "<image>", "<fake_token_around_image>"),
    new_eye=SmolVLMEye,
)
