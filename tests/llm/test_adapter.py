import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from llm.adapter import BASE_WEIGHTS, A, Adapter, B, load_adapter, merge_into, save_adapter, weights_mark
from llm.lean import lean_layer
from llm.linear import DenseLinear
from llm.loading import describe, load_backbone, load_weights
from streams.config import LlmConfig
from streams.errors import ModelError, ModelNotFoundError
from streams.train.lora import PRODUCTS, LoraLayers

CLOSE = 1e-5


@pytest.fixture
def tiny(checkpoints):
    """Weights and spec of a tiny Llama."""
    path = checkpoints["llama"].path
    spec = describe(AutoConfig.from_pretrained(path), LlmConfig(dtype="float32", device="cpu"))
    return spec, load_weights(path, spec)


@pytest.fixture
def trained(tiny):
    """Adapters of rank 3 that change something."""
    torch.manual_seed(0)
    layers = LoraLayers(*tiny, 3, 6.0)
    for parameter in layers.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return layers


def write(layers, file, **facts):
    save_file(layers.adapter(), file, {"alpha": str(layers.alpha)} | facts)
    return file


def test_merged_products_are_those_that_were_trained(tiny, trained, tmp_path):
    _, weights = tiny
    merged = load_adapter(write(trained, tmp_path / "a.safetensors")).merge(weights)
    torch.manual_seed(1)
    for index, layer in enumerate(trained.layers):
        plain = lean_layer(merged, index, DenseLinear)
        for name in PRODUCTS:
            product = getattr(layer, name)
            x = torch.randn(5, product.weight.shape[1])
            assert torch.allclose(product(x), getattr(plain, name)(x), atol=CLOSE), name
            assert not torch.allclose(product(x), torch.nn.functional.linear(x, product.weight), atol=0.01)
    untouched = set(weights) - {f"{layer}.weight" for layer in load_adapter(tmp_path / "a.safetensors").pairs}
    assert all(merged[name] is weights[name] for name in untouched)


def test_an_adapter_not_yet_trained_changes_nothing(tiny):
    layers = LoraLayers(*tiny, 3, 6.0)
    x = torch.randn(4, tiny[0].hidden)
    product = layers.layers[0].qkv
    assert torch.equal(product(x), torch.nn.functional.linear(x, product.weight))


def test_a_model_of_transformers_takes_it_too(checkpoints, tiny, trained, tmp_path):
    adapter = load_adapter(write(trained, tmp_path / "a.safetensors"))
    model = checkpoints["llama"].stock()
    merge_into(model, adapter)
    merged = adapter.merge(tiny[1])
    state = model.state_dict()
    assert all(torch.allclose(state[name], weight, atol=CLOSE) for name, weight in merged.items())


def test_an_adapter_of_another_model_is_refused(tiny):
    pairs = {"model.layers.0.self_attn.q_proj": (torch.zeros(2, 7), torch.zeros(5, 2))}
    with pytest.raises(ModelError, match=r"does not fit the model at model\.layers\.0\.self_attn\.q_proj"):
        Adapter(pairs, 1.0).merge(tiny[1])


@pytest.mark.parametrize("backend", ["lean", "hooked"])
def test_an_adapter_goes_into_no_other_model_than_its_own(backend, checkpoints, trained, tmp_path):
    path, config = checkpoints["llama"].path, LlmConfig(device="cpu", backend=backend)
    adapter = load_adapter(write(trained, tmp_path / "plain.safetensors"))
    weights = load_file(path / "model.safetensors")
    own = write(trained, tmp_path / "own.safetensors", **{BASE_WEIGHTS: weights_mark(weights, adapter.pairs)})
    elsewhere = shutil.copytree(path, tmp_path / "renamed")
    for folder in (path, elsewhere):
        for file in (own, tmp_path / "plain.safetensors"):
            load_backbone(folder, config, load_adapter(file))
    name = "model.layers.1.mlp.down_proj.weight"
    save_file(weights | {name: weights[name] * 1.02}, elsewhere / "model.safetensors", {"format": "pt"})
    load_backbone(elsewhere, config, adapter)
    with pytest.raises(ModelError, match="of the same shape with other weights") as error:
        load_backbone(elsewhere, config, load_adapter(own))
    assert error.value.param == "models.sight"


def test_a_mark_is_the_same_in_any_type_of_the_weights(tiny, trained, tmp_path):
    layers = load_adapter(write(trained, tmp_path / "a.safetensors")).pairs
    kept = {name: weight.bfloat16() for name, weight in tiny[1].items()}
    wider = {name: weight.float() for name, weight in kept.items()}
    assert weights_mark(kept, layers) == weights_mark(wider, layers)
    assert weights_mark(kept, layers) != weights_mark(kept, list(layers)[1:])


def test_an_adapter_is_written_whole_or_not_at_all(trained, tmp_path, monkeypatch):
    file = tmp_path / "adapter.safetensors"
    save_adapter(trained.adapter(), file, {"alpha": "6.0", "speak_threshold": "0.4"})
    before = file.read_bytes()
    back = load_adapter(file)
    assert (back.scale, back.speak_threshold, back.base_weights) == (2.0, 0.4, "")
    for layer, (down, up) in back.pairs.items():
        assert torch.allclose(down.float(), trained.adapter()[layer + A], rtol=0.01)
        assert torch.allclose(up.float(), trained.adapter()[layer + B], rtol=0.01)
    monkeypatch.setattr("llm.adapter.save", lambda tensors, facts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_adapter(trained.adapter(), file, {"alpha": "7"})
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_what_is_no_adapter_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no adapter"):
        load_adapter(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    with pytest.raises(ModelError, match="is no adapter"):
        load_adapter(tmp_path / "text.safetensors")
    save_file({"x" + A: torch.zeros(2, 2)}, tmp_path / "half.safetensors", {"alpha": "1"})
    with pytest.raises(ModelError, match=f"x{B}"):
        load_adapter(tmp_path / "half.safetensors")


def test_layers_of_unequal_ranks_are_no_adapter(trained, tmp_path):
    tensors = trained.adapter()
    name = next(name for name in tensors if name.endswith(A)).removesuffix(A)
    tensors |= {name + A: tensors[name + A][:2].clone(), name + B: tensors[name + B][:, :2].clone()}
    save_file(tensors, tmp_path / "uneven.safetensors", {"alpha": "6"})
    with pytest.raises(ModelError, match="not one rank"):
        load_adapter(tmp_path / "uneven.safetensors")


@pytest.mark.parametrize(
    ("change", "metadata", "message"),
    [
        ({}, {"alpha": "nan"}, "alpha: "),
        ({}, {"alpha": "inf"}, "alpha: "),
        ({}, {"alpha": "0"}, "alpha: "),
        ({}, {}, "alpha: "),
        ({}, {"alpha": "1", "speak_threshold": "nan"}, "speak_threshold: "),
        ({}, {"alpha": "1", "speak_threshold": "1"}, "speak_threshold: "),
        ({A: (0, 4), B: (4, 0)}, {"alpha": "1"}, r"x has A \[0, 4\] and B \[4, 0\]"),
        ({A: (2, 4), B: (4, 3)}, {"alpha": "1"}, r"x has A \[2, 4\] and B \[4, 3\]"),
        ({A: (2,), B: (4, 2)}, {"alpha": "1"}, r"x has A \[2\]"),
        ({A: None, B: None}, {"alpha": "1"}, "it has no layers"),
        ({A: None}, {"alpha": "1"}, f"it has no x{A}"),
        ({".bias": (2,)}, {"alpha": "1"}, rf"it has no x\.bias{A}"),
    ],
)
def test_what_fits_no_adapter_is_named(tmp_path, change, metadata, message):
    shapes = {A: (2, 4), B: (4, 2)} | change
    tensors = {f"x{part}": torch.zeros(shape) for part, shape in shapes.items() if shape is not None}
    save_file(tensors, tmp_path / "a.safetensors", metadata)
    with pytest.raises(ModelError, match=message) as told:
        load_adapter(tmp_path / "a.safetensors")
    assert told.value.param == "models.sight"
