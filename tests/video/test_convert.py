import json
import os
from collections import OrderedDict

import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_model_data_config

from gateway.models import build_registry
from streams.config import load_config
from streams.errors import ModelError, ModelNotFoundError
from video.convert import ARCHITECTURE, convert_efficientnet_lite0


@pytest.fixture
def folders(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


@pytest.fixture(scope="module")
def registry():
    return build_registry(load_config(environ=os.environ).models)


def test_maps_layers_in_order_into_a_folder_that_timm_loads(folders):
    source, target = folders
    torch.manual_seed(3)
    state = timm.create_model(ARCHITECTURE).state_dict()
    torch.save(OrderedDict((f"other.{i}", t) for i, t in enumerate(state.values())), source / "net.pth")
    convert_efficientnet_lite0(source, target)
    again = timm.create_model(f"local-dir:{target}", pretrained=True).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in state.items())
    config = json.loads((target / "config.json").read_text())
    assert config["architecture"] == ARCHITECTURE
    assert config["pretrained_cfg"]["input_size"] == [3, 224, 224]
    assert config["pretrained_cfg"]["mean"] == config["pretrained_cfg"]["std"] == [0.5, 0.5, 0.5]
    assert config["pretrained_cfg"]["interpolation"] == "bicubic"
    assert len(config["label_names"]) == 1000
    assert config["label_descriptions"][config["label_names"][967]] == "espresso"


def test_refuses_other_layers(folders):
    source, target = folders
    torch.save({"a": torch.zeros(3)}, source / "net.pth")
    with pytest.raises(ModelError, match=r"net\.pth"):
        convert_efficientnet_lite0(source, target)


def test_refuses_a_folder_without_a_checkpoint(folders):
    with pytest.raises(ModelNotFoundError, match=r"0 \.pth files"):
        convert_efficientnet_lite0(*folders)


@pytest.mark.parametrize(
    ("photograph", "names"),
    [
        ("chelsea.png", {"tabby, tabby cat", "tiger cat", "Egyptian cat"}),
        ("coffee.png", {"espresso"}),
        ("camera.png", {"tripod"}),
        ("china.jpg", {"palace"}),
    ],
)
def test_the_embedded_encoder_names_photographs(registry, photograph, names):
    folder = registry.resolve("vision").path
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    transform = create_transform(**resolve_model_data_config(model))
    image = Image.open(registry.resolve("sample").path / photograph).convert("RGB")
    with torch.inference_mode():
        best = int(model(transform(image)[None]).argmax())
    config = json.loads((folder / "config.json").read_text())
    assert config["label_descriptions"][config["label_names"][best]] in names
