"""The embedded encoder: EfficientNet-Lite0, or any other image classifier in timm's folder format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import timm
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from timm.data import ImageNetInfo

from streams.errors import ModelError, ModelNotFoundError
from streams.types import Embedding, Frame, Image
from video.encoder import Label, Sighting
from video.imagenet import KINDS, imagenet_names
from video.naming import Namer, Vector
from video.plain import plain_colour
from video.view import View, confirmations, look, views, whole

BATCH_VIEWS = 16


class EfficientNetEncoder:
    """Names what a frame shows and embeds it with a classifier (EfficientNet, Tan and Le, ICML 2019).

    ``path`` is a folder that ``timm`` wrote: config.json and model.safetensors. Each frame is seen
    in two views, and with ``regions`` in its halves too: a view costs about 17 ms on two CPU cores.
    Its features are those of the entire frame, squeezed into the network's square: float32
    [1 + places, channels], their mean first and then each place, row by row ([50, 1280] for the
    embedded model, whose grid is 7 by 7). A frame of a single colour is said to be just that.

    Raises ModelNotFoundError when the files are missing, ModelError when they are no classifier
    whose class names are known.
    """

    def __init__(
        self, path: Path, min_confidence: float = 0.35, *, device: str = "cpu", regions: bool = True
    ) -> None:
        if not (path / "config.json").is_file():
            raise ModelNotFoundError(
                f"{path} holds no vision model (config.json is missing)", param=str(path)
            )
        try:
            model = timm.create_model(f"local-dir:{path}", pretrained=True)
        except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
            raise ModelError(f"{path} holds no usable timm model: {error}", param=str(path)) from error
        config: dict[str, Any] = timm.data.resolve_model_data_config(model)
        settings: dict[str, Any] = model.pretrained_cfg
        self.name: str = settings["architecture"]
        self._namer = make_namer(settings, path, min_confidence)
        self._device = torch.device(device)
        # Depthwise convolutions run 1.2 to 1.6 times as fast on CPU with channels last.
        self._model = model.eval().to(self._device).to(memory_format=torch.channels_last)
        self._size: tuple[int, int] = config["input_size"][1:]
        self._crop: float = config["crop_pct"]
        self._resample = PIL.Image.Resampling[config["interpolation"].upper()]
        self._mean = 255 * torch.tensor(config["mean"], device=self._device)
        self._std = 255 * torch.tensor(config["std"], device=self._device)
        self._regions = regions

    def encode(self, frames: Sequence[Frame]) -> list[Sighting]:
        """One sighting for each frame, in order; batched equals one by one."""
        looks = [
            (n, view)
            for n, frame in enumerate(frames)
            for view in views(frame.image, self._crop, regions=self._regions)
        ]
        features, probabilities = self._look(frames, looks)
        # More looks only where a half may add a name: most add none.
        again = [
            (n, other)
            for (n, view), row in zip(looks, probabilities, strict=True)
            if view.region and self._namer.may_name_region(row)
            for other in confirmations(view, frames[n].image, self._crop)
        ]
        _, confirmed = self._look(frames, again)
        seen: list[dict[str, list[Vector]]] = [{} for _ in frames]
        for (n, view), row in zip(looks + again, [*probabilities, *confirmed], strict=True):
            seen[n].setdefault(view.region, []).append(row)
        entire = {
            n: feature
            for (n, view), feature in zip(looks, features, strict=True)
            if view == whole(frames[n].image)
        }
        return [self._sight(frame, seen[n], entire[n]) for n, frame in enumerate(frames)]

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """What ``encode`` gives as features, alone: float32 [n, 1 + places, channels] of n pictures."""
        found: list[Vector] = []
        for start in range(0, len(images), BATCH_VIEWS):
            crops = [
                look(image, whole(image), self._size, self._resample)
                for image in images[start : start + BATCH_VIEWS]
            ]
            found.append(self._see(np.stack(crops))[0])
        return np.concatenate(found)

    @property
    def classifier(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights [classes, channels] and biases [classes] that make classes of a mean feature."""
        head = self._model.get_classifier()
        return head.weight.detach().cpu(), head.bias.detach().cpu()

    def _look(
        self, frames: Sequence[Frame], looks: Sequence[tuple[int, View]]
    ) -> tuple[list[Vector], list[Vector]]:
        """Features [1 + places, channels] and probabilities [classes] of each (frame number, view)."""
        features: list[Vector] = []
        probabilities: list[Vector] = []
        for start in range(0, len(looks), BATCH_VIEWS):
            crops = [
                look(frames[n].image, view, self._size, self._resample)
                for n, view in looks[start : start + BATCH_VIEWS]
            ]
            more_features, more_probabilities = self._see(np.stack(crops))
            features.extend(more_features)
            probabilities.extend(more_probabilities)
        return features, probabilities

    @torch.inference_mode()
    def _see(self, crops: Image) -> tuple[Vector, Vector]:
        """Uint8 [n, height, width, 3] to features [n, 1 + places, channels], probabilities [n, classes]."""
        pixels = torch.from_numpy(crops).to(self._device).float().sub_(self._mean).div_(self._std)
        # The permuted view is channels last already.
        grid: torch.Tensor = self._model.forward_features(pixels.permute(0, 3, 1, 2))
        logits: torch.Tensor = self._model.forward_head(grid)
        places = self._rows(grid)
        features = torch.cat([places.mean(1, keepdim=True), places], dim=1)
        return features.cpu().numpy(), logits.softmax(-1).cpu().numpy()

    def _rows(self, grid: torch.Tensor) -> torch.Tensor:
        """Features [n, places, channels] in any of the three forms in which timm's models give them."""
        if grid.ndim == 3:
            return grid[:, getattr(self._model, "num_prefix_tokens", 0) :]
        if getattr(self._model, "output_fmt", "NCHW") == "NCHW":
            grid = grid.permute(0, 2, 3, 1)
        return grid.flatten(1, 2)

    def _sight(self, frame: Frame, seen: dict[str, list[Vector]], features: Vector) -> Sighting:
        if colour := plain_colour(frame.image):
            labels: tuple[Label, ...] = (Label(f"plain {colour} picture", 1.0),)
        else:
            labels = self._namer.name({region: np.stack(rows) for region, rows in seen.items()})
        return Sighting(frame.pts_us, labels, Embedding(frame.pts_us, self.name, features))


def make_namer(settings: dict[str, Any], path: Path, min_confidence: float) -> Namer:
    """Names from the model's own settings; in good words, and with kinds, for ImageNet's 1,000 classes."""
    labels: list[str] | None = settings.get("label_names")
    if not labels and timm.data.infer_imagenet_subset(settings) == "imagenet-1k":
        labels = ImageNetInfo().label_names()  # most checkpoints of timm's hub leave them out
    if not labels:
        raise ModelError(f"{path} does not say what its classes are called (label_names)", param=str(path))
    if labels == ImageNetInfo().label_names():
        return Namer(imagenet_names(), KINDS, min_confidence)
    described: dict[str, str] = settings.get("label_descriptions") or {}
    return Namer([described.get(label, label).split(",")[0] for label in labels], (), min_confidence)
