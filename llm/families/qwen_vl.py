"""What Qwen2.5-VL and Qwen3-VL have in common: pictures of any shape, tokens in rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from llm.families.processor import load_image_processor, pictures
from llm.visual import PictureMarks, VisualTokens
from streams.config import LlmConfig
from streams.errors import MediaError
from streams.types import Embedding, Frame

MARKS = PictureMarks("<|vision_start|>", "<|image_pad|>", "<|vision_end|>")


class QwenEye:
    """Frames as pictures in their own shape, of at most ``llm.frame_tokens`` tokens.

    Raises MediaError for a frame far longer than wide, which these models do not take.
    """

    speaks = False

    def __init__(self, model: PreTrainedModel, path: Path, config: LlmConfig) -> None:
        self._model: Any = model.model
        self._dtype, self._device = model.dtype, model.device
        self._prepare = load_image_processor(path)
        self._merge: int = self._prepare.merge_size
        token_pixels = (self._prepare.patch_size * self._merge) ** 2
        size = self._prepare.size
        most = min(size["longest_edge"], config.frame_tokens * token_pixels)
        # These settings are areas in pixels, whatever their names say.
        self._size = {"shortest_edge": min(size["shortest_edge"], most), "longest_edge": most}

    @torch.inference_mode()
    def look(self, frames: Sequence[Frame], features: Sequence[Embedding]) -> list[VisualTokens]:
        if not frames:
            return []
        try:
            prepared = self._prepare(images=pictures(frames), size=self._size, return_tensors="pt")
        except ValueError as error:
            raise MediaError(f"the model cannot look at this picture: {error}") from None
        grids: torch.Tensor = prepared["image_grid_thw"]
        pixels = prepared["pixel_values"].to(self._device, self._dtype)
        seen = self._model.get_image_features(pixels, grids.to(self._device))
        # Only Qwen3-VL has them: by layer, then by picture.
        layers: Sequence[Sequence[torch.Tensor]] = getattr(seen, "deepstack_features", None) or ()
        return [
            VisualTokens(
                tokens,
                grid=(rows // self._merge, columns // self._merge),
                deep=torch.stack([layer[number] for layer in layers]) if layers else None,
            )
            for number, (tokens, (_, rows, columns)) in enumerate(
                zip(seen.pooler_output, grids.tolist(), strict=True)
            )
        ]
