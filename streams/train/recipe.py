"""What a training run does: all of it, so that the same recipe gives the same weights.

The defaults are how the shipped weights were made, but for what their card tells. A recipe is TOML; what it
leaves out has its default.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from streams.config import INSTRUCTIONS, Section
from streams.errors import ConfigError

MIN_FRAMES = 3
"""Of a made stream: some narration is asked for after the third."""


class DataRecipe(Section):
    """Made pictures and dialogues, unless ``folder`` has a user's own."""

    folder: Path | None = None
    """Own data: pictures and dialogues, as docs/training.md describes; absent: made ones."""
    pictures: int = Field(default=26_000, gt=0)
    validation_pictures: int = Field(default=1_500, gt=0)
    dialogues: int = Field(default=6_000, gt=0)
    """After so many they come again."""
    validation_dialogues: int = Field(default=60, gt=0)
    frames: tuple[Annotated[int, Field(ge=MIN_FRAMES)], int] = (8, 22)
    """From how many frames to how many a made stream has."""
    photograph_crops: int = Field(default=30, ge=0)
    """Of each photograph without a name (``find_unnamed``: 16 to train on, 4 to validate on), to tell
    photographs from drawings by. Beside own data too; 0 needs no photographs."""
    seed: int = 0

    @field_validator("frames")
    @classmethod
    def _rising(cls, frames: tuple[int, int]) -> tuple[int, int]:
        if frames[0] > frames[1]:
            raise ValueError(f"from {frames[0]} frames to {frames[1]} is downwards")
        return frames


class SeeingRecipe(Section):
    """Stage 1, the connector on features."""

    steps: int = Field(default=1_500, ge=0)
    batch: int = Field(default=256, ge=8)
    rate: float = Field(default=1e-3, gt=0)
    decay: float = Field(default=0.05, ge=0)
    smoothing: float = Field(default=0.05, ge=0, lt=1)
    width: int = Field(default=256, gt=0, multiple_of=4)
    """Shared by four heads of attention."""
    layers: int = Field(default=2, gt=0)
    rank: int = Field(default=32, gt=0)
    """Of the residual, which stage 2 learns."""
    precision: float = Field(default=0.9, gt=0, lt=1)
    """Of the words that captions say, on validation."""
    evaluate_every: int = Field(default=100, gt=0)
    save_every: int = Field(default=100, gt=0)


class LivingRecipe(Section):
    """Stage 2, LIVE: adapters on the language model."""

    steps: int = Field(default=440, ge=0)
    dialogues_per_step: int = Field(default=4, gt=0)
    rank: int = Field(default=16, gt=0)
    alpha: float = Field(default=32.0, gt=0)
    rate: float = Field(default=4e-4, gt=0)
    residual_rate: float = Field(default=5e-4, ge=0)
    speaking: float = Field(default=0.5, ge=0)
    """Weight of the streaming loss."""
    unasked: float = Field(default=0.3, ge=0)
    """Weight in it of frames at which nothing stands."""
    doubted: float = Field(default=0.5, ge=0, le=1)
    """Share of pictures that are shown as the connector sees them with dropout: less sure, as unseen ones."""
    imagined: float = Field(default=0.25, ge=0, le=1)
    """Share of dialogues that are over imagined photographs; none are where own data are trained on."""
    window_tokens: int = Field(default=96, gt=0)
    dialogue_tokens: int = Field(default=128, gt=0)
    recall_blocks: int = Field(default=6, ge=0)
    instructions: tuple[str, ...] = Field(
        default=(
            INSTRUCTIONS,
            INSTRUCTIONS,
            INSTRUCTIONS,
            "You are a helpful assistant.",
            "You see through a camera. Answer briefly.",
            "Be brief.",
            "",
        ),
        min_length=1,
    )
    """Of which each stream has one."""
    workers: int = Field(default=2, gt=0)
    """Threads that share each batch, with one of PyTorch's each on the CPU; 1 on a GPU."""
    evaluate_every: int = Field(default=100, gt=0)
    save_every: int = Field(default=25, gt=0)


class RunRecipe(Section):
    out: Path = Path("train-out")
    """Where checkpoints, logs and the finished weights go."""
    start: Path | None = None
    """A folder of finished weights to go on from, or ``shipped``: then the connector's words stay as they
    are, with no stage 1, and stage 2 begins at the adapter; absent: all is learned anew."""
    cache: Path = Path("~/.cache/streams/train")
    """Where features are kept."""
    device: str = "cpu"
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """What is computed in; what is learned is float32 always."""
    threads: int = Field(default=0, ge=0)
    """CPU threads; 0 takes every core."""
    warmup: int = Field(default=20, gt=0)
    clip: float = Field(default=1.0, gt=0)


class Recipe(Section):
    data: DataRecipe = DataRecipe()
    seeing: SeeingRecipe = SeeingRecipe()
    living: LivingRecipe = LivingRecipe()
    run: RunRecipe = RunRecipe()


FREE = frozenset(
    {"data.folder", "run.out", "run.start", "run.cache", "run.device", "run.threads", "living.workers"}
)
"""What may change between a checkpoint and going on from it: where and by what it is computed. Of own data
and of weights to start from what they hold is bound (``folder.data_marks``, ``start.Start.mark``), and not
where they lie."""
_WATCHED = ("evaluate_every", "save_every")


def binding(recipe: Recipe, *stages: Literal["seeing", "living"]) -> dict[str, object]:
    """The settings by name that the weights of ``stages`` hang on, as JSON has them."""
    return {
        f"{section}.{key}": value
        for section, settings in recipe.model_dump(mode="json", include={"data", "run", *stages}).items()
        for key, value in settings.items()
        if f"{section}.{key}" not in FREE and key not in _WATCHED
    }


def load_recipe(file: Path | None, **run: object) -> Recipe:
    """The recipe in ``file``, or the default one; ``run`` and ``data_folder`` go before what it says.

    Raises ConfigError that names the setting.
    """
    settings: dict[str, dict[str, object]] = {}
    if file is not None:
        try:
            settings = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read {file}: {error.strerror}", param=str(file)) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: {error}", param=str(file)) from None
    for name, value in run.items():
        if value is not None:
            section, _, key = name.partition("_")
            settings.setdefault(section, {})[key] = value
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"unknown setting '{key}' in the recipe", param=key) from None
        raise ConfigError(f"recipe setting '{key}': {first['msg']}", param=key) from None
