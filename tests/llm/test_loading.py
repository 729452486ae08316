import json

import pytest
import torch
from transformers import AutoConfig, LlamaConfig, Qwen2Config

from llm.hooked import HookedBackbone
from llm.lean import LeanBackbone
from llm.linear import DenseLinear
from llm.loading import describe, load_backbone
from streams.config import LlmConfig
from streams.errors import ModelError


def test_describes_a_model(embedded):
    spec = describe(AutoConfig.from_pretrained(embedded), LlmConfig(device="cpu"))
    assert (spec.layers, spec.heads, spec.kv_heads, spec.head_dim, spec.hidden) == (30, 9, 3, 64, 576)
    assert (spec.vocab, spec.max_positions, spec.group) == (49_152, 8_192, 3)
    assert spec.token_bytes == 30 * 3 * 64 * 2 * spec.dtype.itemsize


@pytest.mark.parametrize("native", [True, False])
def test_a_processor_that_emulates_bfloat16_computes_in_float32(embedded, native, monkeypatch):
    config = AutoConfig.from_pretrained(embedded)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native)
    assert describe(config, LlmConfig(device="cpu")).dtype == (torch.bfloat16 if native else torch.float32)
    assert describe(config, LlmConfig(device="cpu", dtype="bfloat16")).dtype == torch.bfloat16
    assert describe(config, LlmConfig(device="cpu", dtype="float32")).dtype == torch.float32
    assert describe(config, LlmConfig(device="meta")).dtype == torch.bfloat16


def test_head_width_follows_from_the_hidden_size_when_not_given():
    config = Qwen2Config(hidden_size=64, num_attention_heads=4, num_key_value_heads=2)
    spec = describe(config, LlmConfig(device="cpu", dtype="float32"))
    assert (spec.head_dim, spec.kv_heads, spec.dtype) == (16, 2, torch.float32)


def test_the_fast_path_is_taken_where_it_can_be(checkpoints):
    tiny = checkpoints["qwen2"].path
    assert isinstance(load_backbone(tiny, LlmConfig(device="cpu")), LeanBackbone)
    assert isinstance(load_backbone(tiny, LlmConfig(device="cpu", backend="hooked")), HookedBackbone)


def test_int8_is_for_the_cpu_unless_a_type_is_asked_for(checkpoints, monkeypatch):
    tiny = checkpoints["llama"].path
    bf16 = load_backbone(tiny, LlmConfig(device="cpu", dtype="bfloat16"))
    same = load_backbone(tiny, LlmConfig(device="cpu", dtype="bfloat16", decode_weights="same"))
    float32 = load_backbone(tiny, LlmConfig(device="cpu", dtype="float32"))
    assert bf16.step_bytes < 0.6 * same.step_bytes
    assert float32.step_bytes == 2 * same.step_bytes
    assert isinstance(same.step_layers[0].qkv, DenseLinear)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert load_backbone(tiny, LlmConfig(device="cpu")).step_bytes == bf16.step_bytes


def save_config(config, folder):
    config.save_pretrained(folder)
    return folder


def test_the_lean_backend_refuses_what_it_does_not_know(tmp_path):
    folder = save_config(LlamaConfig(hidden_act="gelu", num_hidden_layers=1), tmp_path)
    with pytest.raises(ModelError, match="lean backend") as error:
        load_backbone(folder, LlmConfig(backend="lean"))
    assert error.value.param == "llm.backend"


@pytest.mark.parametrize("content", [None, "{", json.dumps({"model_type": "nonesuch"})])
def test_what_is_no_model_is_an_error_that_names_it(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=str(tmp_path)):
        load_backbone(tmp_path, LlmConfig())


def test_a_model_without_safetensors_is_an_error(tmp_path):
    folder = save_config(LlamaConfig(num_hidden_layers=1), tmp_path)
    with pytest.raises(ModelError, match="safetensors"):
        load_backbone(folder, LlmConfig(device="cpu"))
