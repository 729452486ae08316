"""Pictures as a family's own settings want them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PIL.Image
from transformers import AutoImageProcessor, AutoVideoProcessor

from streams.errors import ModelError
from streams.types import Frame


def load_image_processor(path: Path) -> Any:
    """Transformers' image processor of the checkpoint in ``path``. Raises ModelError."""
    return _load(AutoImageProcessor, path)


def load_video_processor(path: Path) -> Any:
    """Transformers' video processor of the checkpoint in ``path``. Raises ModelError."""
    return _load(AutoVideoProcessor, path)


def _load(kind: Any, path: Path) -> Any:
    try:
        return kind.from_pretrained(path)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(
            f"{path} does not say how pictures are to be prepared: {error}", param="models.llm"
        ) from None


def pictures(frames: Sequence[Frame]) -> list[PIL.Image.Image]:
    return [PIL.Image.fromarray(frame.image) for frame in frames]
