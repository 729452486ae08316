"""Pictures and dialogues that a recipe asks for: made ones, or a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llm.pixels import with_pixels
from streams.config import StreamsConfig
from streams.errors import ConfigError, DownloadError
from streams.log import get_logger
from streams.train.bar import bar_of
from streams.train.dialogue.compose import make_dialogues
from streams.train.features import Features, Pictures, cached_features
from streams.train.folder import read_dialogues, read_pictures
from streams.train.photographs import PhotographCrops
from streams.train.pictures.material import build_installer, gather
from streams.train.pictures.photographs import find_unnamed
from streams.train.pictures.pool import PicturePool
from streams.train.recipe import Recipe
from streams.train.sample import Dialogue
from streams.types import Frame, Image
from video.efficientnet import EfficientNetEncoder

log = get_logger(__name__)
NO_PHOTOGRAPHS: Features = np.empty((0, 0, 0), np.float16)


class PixelEncoder:
    """``FeatureEncoder``: the frame encoder's features with each place's pixels, as the eye looks at them."""

    def __init__(self, encoder: EfficientNetEncoder) -> None:
        self._encoder = encoder
        self.name = f"{encoder.name}+pixels"

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        frames = [Frame(0, image) for image in images]
        seen = self._encoder.features(frames)
        return np.stack(
            [with_pixels(each.embedding.vectors, image) for each, image in zip(seen, images, strict=True)]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Pictures of one split, their features, and dialogues over them."""

    pictures: Pictures
    dialogues: Sequence[Dialogue]
    features: Features


class Data:
    """Raises StreamsError where something cannot be had."""

    def __init__(self, recipe: Recipe, encoder: PixelEncoder, config: StreamsConfig) -> None:
        self._recipe = recipe
        self._encoder = encoder
        self._config = config

    def split(self, name: Literal["train", "validation"]) -> Split:
        data = self._recipe.data
        if data.folder is not None:
            own = read_pictures(data.folder, name)
            told = read_dialogues(data.folder, name, own)
            if not told:
                file = data.folder / "dialogues.jsonl"
                raise ConfigError(f"{file} has no dialogues of {name}", param="data.folder")
            return Split(own, told, self._features(own, name))
        train = name == "train"
        material = gather(name, build_installer(self._config.models))
        pool = PicturePool(material, data.pictures if train else data.validation_pictures, data.seed)
        count = data.dialogues if train else data.validation_dialogues
        try:
            dialogues = tuple(make_dialogues(name, pool.facts, pool.shots, count, data.seed, data.frames))
        except ValueError as error:
            setting = "data.pictures" if train else "data.validation_pictures"
            raise ConfigError(
                f"{setting} = {len(pool)} makes no dialogues of up to {data.frames[1]} frames: {error}",
                param=setting,
            ) from None
        return Split(pool, dialogues, self._features(pool, name))

    def photographs(self, name: Literal["train", "validation"]) -> Features:
        """Features of crops of photographs, for the gate: those of ``find_unnamed``, beside own data too.

        Empty where none are asked for, or own data are trained on and packages cannot be had.
        """
        data = self._recipe.data
        if not data.photograph_crops:
            return NO_PHOTOGRAPHS
        try:
            files = find_unnamed(name, build_installer(self._config.models))
        except DownloadError as error:
            if data.folder is None:
                raise
            log.warning("no photographs for the gate", split=name, error=error.message)
            return NO_PHOTOGRAPHS
        return self._features(
            PhotographCrops(files, data.photograph_crops, data.seed), f"{name}'s photographs"
        )

    def _features(self, pictures: Pictures, name: str) -> Features:
        cache = self._recipe.run.cache.expanduser()
        with bar_of(f"features of {name}", len(pictures)) as advance:
            return cached_features(pictures, self._encoder, cache, lambda done: advance(done, ""))
