"""Checkpoints of other code bases made into timm's own folder format, once."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from timm.data import ImageNetInfo

from streams.errors import ModelError, ModelNotFoundError

ARCHITECTURE = "tf_efficientnet_lite0"


def convert_efficientnet_lite0(source: Path, target: Path) -> None:
    """Write the one ``*.pth`` in the folder ``source`` into ``target`` as timm keeps a model.

    The checkpoint names its layers otherwise than timm but lists them in the same order (EfficientNet,
    Tan and Le 2019, in its Lite form). ``timm.create_model("local-dir:<target>", pretrained=True)`` reads
    the result: model.safetensors and config.json: architecture,
    input size, mean, standard deviation, interpolation, and the ImageNet names by class. Raises
    ModelNotFoundError without exactly one file, ModelError when its tensors are not those of the network.
    """
    files = sorted(source.glob("*.pth"))
    if len(files) != 1:
        raise ModelNotFoundError(f"{source} holds {len(files)} .pth files, not one", param=str(source))
    foreign: dict[str, torch.Tensor] = torch.load(files[0], map_location="cpu", weights_only=True)
    model = timm.create_model(ARCHITECTURE)
    own = model.state_dict()
    if [t.shape for t in foreign.values()] != [t.shape for t in own.values()]:
        raise ModelError(f"{files[0].name} does not hold the layers of {ARCHITECTURE}", param=files[0].name)
    model.load_state_dict(dict(zip(own, foreign.values(), strict=True)))
    names = ImageNetInfo()
    timm.models.save_for_hf(
        model,
        str(target),
        safe_serialization=True,
        model_config={
            "label_names": names.label_names(),
            "label_descriptions": names.label_descriptions(as_dict=True),
        },
    )
