"""What there is to know of a family of vision-language models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from llm.visual import Eye, PictureMarks
from streams.config import LlmConfig


@dataclass(frozen=True, slots=True)
class Family:
    """``model_types`` are those of Transformers' configurations.

    ``decoder`` names the language model inside; ``new_eye`` makes an eye of the rest, which keeps
    references to the model, its files, and the settings. ``position_rows`` gives the rows of ``Rotary``
    from the language model's configuration, where positions have three.
    """

    name: str
    model_types: tuple[str, ...]
    decoder: str
    marks: PictureMarks
    new_eye: Callable[[PreTrainedModel, Path, LlmConfig], Eye]
    position_rows: Callable[[PreTrainedConfig], Tensor] | None = None
