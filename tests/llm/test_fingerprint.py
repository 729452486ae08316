import shutil
from dataclasses import replace

import pytest

from llm.fingerprint import fingerprint
from streams.errors import ModelError


@pytest.fixture
def copied(checkpoints, tmp_path, embedded):
    """A tiny checkpoint with a tokenizer, to be changed."""
    folder = shutil.copytree(checkpoints["llama"].path, tmp_path / "model")
    for file in embedded.glob("tokenizer*"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def spec(lean):
    return lean("llama").spec


def test_the_same_checkpoint_elsewhere_has_the_same_fingerprint(copied, spec, tmp_path):
    first = fingerprint(copied, spec)
    other = fingerprint(shutil.copytree(copied, tmp_path / "renamed"), spec)
    assert replace(other, model=first.model) == first
    assert (first.layers, first.kv_heads, first.head_dim) == (spec.layers, spec.kv_heads, spec.head_dim)


def test_other_weights_are_another_model(copied, spec):
    before = fingerprint(copied, spec)
    weights = copied / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    after = fingerprint(copied, spec)
    assert after.model_hash != before.model_hash
    assert after.tokenizer_hash == before.tokenizer_hash


def test_another_tokenizer_is_told_apart(copied, spec):
    before = fingerprint(copied, spec)
    file = copied / "tokenizer.json"
    file.write_text(file.read_text("utf-8").replace("the", "teh", 1), "utf-8")
    after = fingerprint(copied, spec)
    assert after.tokenizer_hash != before.tokenizer_hash
    assert after.model_hash == before.model_hash


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer*", "config.json"])
def test_a_folder_without_weights_tokenizer_or_config_has_none(copied, spec, missing):
    for file in copied.glob(missing):
        file.unlink()
    with pytest.raises(ModelError, match="holds no"):
        fingerprint(copied, spec)
