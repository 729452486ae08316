"""The embedded encoder: EfficientNet-Lite0, or any other image classifier in timm's folder format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import timm
import torch
from safetensors import SafetensorError
from timm.data import ImageNetInfo

from streams.errors import ModelError, ModelNotFoundError
from streams.types import Embedding, Frame, Image
from video.encoder import FrameFeatures, Label, Labels
from video.imagenet import KINDS, imagenet_names
from video.naming import Namer, Vector
from video.plain import plain_colour
from video.view import View, confirmations, look, parts, whole

BATCH_VIEWS = 16


class EfficientNetEncoder:
    """Names what a frame shows and embeds it with a classifier (EfficientNet, Tan and Le, ICML 2019).

    ``path`` is a folder that ``timm`` wrote: config.json and model.safetensors. A frame is named by two
    views, and with ``regions`` by its halves too: a view costs about 17 ms on two CPU cores.
    Its features take one, and are those of the entire frame, squeezed into the network's square: float32
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

    def features(self, frames: Sequence[Frame]) -> list[FrameFeatures]:
        """One look at each frame, entire."""
        looks = [(n, whole(frame.image)) for n, frame in enumerate(frames)]
        return [
            FrameFeatures(Embedding(frame.pts_us, self.name, vectors), probabilities)
            for frame, (vectors, probabilities) in zip(frames, self._look(frames, looks), strict=True)
        ]

    def label(self, frames: Sequence[Frame], features: Sequence[FrameFeatures]) -> list[Labels]:
        """One to seven more looks at a frame, none at one of a single colour."""
        seen: list[dict[str, list[Vector]]] = [{"": [each.probabilities]} for each in features]
        plain = [plain_colour(frame.image) for frame in frames]
        looks = [
            (n, view)
            for n, frame in enumerate(frames)
            if plain[n] is None
            for view in parts(frame.image, self._crop, regions=self._regions)
        ]
        # More looks only where a half may add a name: most add none.
        again: list[tuple[int, View]] = []
        for (n, view), (_, row) in zip(looks, self._look(frames, looks), strict=True):
            seen[n].setdefault(view.region, []).append(row)
            if view.region and self._namer.may_name_region(row):
                again += [(n, other) for other in confirmations(view, frames[n].image, self._crop)]
        for (n, view), (_, row) in zip(again, self._look(frames, again), strict=True):
            seen[n][view.region].append(row)
        return [
            (Label(f"plain {colour} picture", 1.0),) if colour else self._name(rows)
            for colour, rows in zip(plain, seen, strict=True)
        ]

    @property
    def classifier(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights [classes, channels] and biases [classes] that make classes of a mean feature."""
        head = self._model.get_classifier()
        return head.weight.detach().cpu(), head.bias.detach().cpu()

    def _look(
        self, frames: Sequence[Frame], looks: Sequence[tuple[int, View]]
    ) -> list[tuple[Vector, Vector]]:
        """Features [1 + places, channels] and probabilities [classes] of each (frame number, view)."""
        found: list[tuple[Vector, Vector]] = []
        for start in range(0, len(looks), BATCH_VIEWS):
            crops = [
                look(frames[n].image, view, self._size, self._resample)
                for n, view in looks[start : start + BATCH_VIEWS]
            ]
            features, probabilities = self._see(np.stack(crops))
            found.extend(zip(features, probabilities, strict=True))
        return found

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

    def _name(self, seen: Mapping[str, Sequence[Vector]]) -> Labels:
        return self._namer.name({region: np.stack(rows) for region, rows in seen.items()})


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
