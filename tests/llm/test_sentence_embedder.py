"""The embedded text embedder against what its checkpoint's authors compute, and what is refused."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from gateway.models import build_registry
from llm.sentence_embedder import load_embedder
from streams.config import load_config
from streams.errors import ModelError

TEXTS = [
    "What was there to drink?",
    "espresso",
    "tabby cat, sofa",
    "",
    "The spare key is under the flower pot. " * 9,
]


@pytest.fixture(scope="module")
def folder():
    return build_registry(load_config(environ=os.environ).models).resolve("embedding").path


@pytest.fixture(scope="module")
def embedder(folder):
    return load_embedder(folder)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "checkpoint")


def test_vectors_are_means_of_unit_length(folder, embedder):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dim) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        with torch.inference_mode():
            mean = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].float().mean(0).numpy()
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_a_text_is_embedded_alike_alone_and_among_many(embedder):
    many = [f"{text} {i}" for i in range(20) for text in TEXTS]
    together = embedder.embed(many)
    for i in (0, 4, 37, 99):
        np.testing.assert_allclose(together[i], embedder.embed([many[i]])[0], atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_what_means_alike_points_alike(embedder):
    question, *others = embedder.embed(
        ["Which pet was there?", "tabby cat, sofa", "lawn mower", "tax return"]
    )
    assert np.argmax(others @ question) == 0


def test_of_a_long_text_the_first_tokens_count(embedder):
    words = "cat " * (embedder.max_tokens - 2)
    same, longer = embedder.embed([words, f"{words} and a thousand other things"])
    np.testing.assert_allclose(same, longer, atol=1e-5)
    assert embedder.max_tokens == 512


def test_a_checkpoint_may_say_how_much_it_was_trained_on(copy):
    (copy / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 8}))
    assert load_embedder(copy).max_tokens == 8


def test_mean_pooling_may_be_said(copy):
    (copy / "1_Pooling").mkdir()
    pooling = {
        "word_embedding_dimension": 384,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_cls_token": False,
    }
    (copy / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    assert load_embedder(copy).dim == 384
    pooling |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    (copy / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    with pytest.raises(ModelError, match="pooling_mode_cls_token"):
        load_embedder(copy)


def test_missing_weights_are_not_made_up(copy):
    weights = load_file(copy / "model.safetensors")
    del weights["encoder.layer.3.output.dense.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"encoder\.layer\.3"):
        load_embedder(copy)


@pytest.mark.parametrize("damage", ["empty", "no config", "torn weights", "no json"])
def test_what_is_no_checkpoint_is_refused(copy, damage):
    match damage:
        case "empty":
            shutil.rmtree(copy)
            copy.mkdir()
        case "no config":
            (copy / "config.json").unlink()
        case "torn weights":
            (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes()[:10_000])
        case _:
            (copy / "sentence_bert_config.json").write_text("[1")
    with pytest.raises(ModelError) as caught:
        load_embedder(copy)
    assert caught.value.param == "models.embedding"
