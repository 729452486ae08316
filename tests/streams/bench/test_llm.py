import argparse
import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llm.chat import load_chat
from streams.bench import llm
from streams.bench.perplexity import perplexity, prose_ids
from streams.errors import ConfigError


@pytest.fixture(scope="module")
def make_checkpoint(models, tmp_path_factory):
    """A tiny model of random weights with the embedded one's tokenizer."""

    def make(**changes):
        torch.manual_seed(3)
        shape = {
            "vocab_size": 49_152,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 1_024,
        }
        folder = tmp_path_factory.mktemp("tiny")
        LlamaForCausalLM(LlamaConfig(**shape | changes)).save_pretrained(folder)
        AutoTokenizer.from_pretrained(models.resolve("llm").path).save_pretrained(folder)
        return folder

    return make


@pytest.fixture
def bench(config, monkeypatch, tmp_path):
    """Runs the bench on a checkpoint with as little work as there is, and returns its JSON."""
    monkeypatch.setattr(llm, "BANDWIDTH_BYTES", 2**22)
    parser = argparse.ArgumentParser()
    llm.add_arguments(parser)

    def run(checkpoint, *words):
        file = tmp_path / "figures.json"
        threads = torch.get_num_threads()
        given = ["--model", str(checkpoint), "--tokens", "3", "--repeats", "1", "--json", str(file), *words]
        try:
            assert llm.run(parser.parse_args(given), config) == 0
        finally:
            torch.set_num_threads(threads)
        return json.loads(file.read_text())

    return run


def test_every_variant_is_measured_beside_generate(bench, make_checkpoint):
    report = bench(make_checkpoint(), "--text-tokens", "40")
    rows = {row["variant"]: row for row in report["rows"]}
    stock, own = ["generate f32", "generate bf16"], ["hooked bf16", "lean f32", "lean bf16", "lean int8"]
    assert list(rows) == stock + own
    for row in rows.values():
        assert all(row[f"prefill_{count}"] > 0 for count in (16, 64, 256, 512))
        assert row["decode"] > 0
    best = max(rows[name]["decode"] for name in stock)
    for row in rows.values():
        assert row["decode_ratio"] == pytest.approx(row["decode"] / best)
    assert rows["lean f32"]["weights_mb"] == pytest.approx(2 * rows["lean bf16"]["weights_mb"])
    assert rows["lean int8"]["limit"] > rows["lean bf16"]["limit"] > rows["lean f32"]["limit"]
    exact = rows["lean f32"]["perplexity"]
    assert rows["lean bf16"]["perplexity"] == pytest.approx(exact, rel=0.02)
    assert rows["lean int8"]["perplexity"] == pytest.approx(exact, rel=0.02)
    notes = "\n".join(report["notes"])
    for part in ("GB/s", "1 %", "matrix products", "attention", "vocabulary", "sampling"):
        assert part in notes


def test_a_model_that_is_not_lean_is_measured_all_the_same(bench, make_checkpoint):
    report = bench(make_checkpoint(hidden_act="gelu"), "--text-tokens", "0")
    assert [row["variant"] for row in report["rows"]] == ["generate f32", "generate bf16", "hooked bf16"]
    assert "lean int8 is left out" in "\n".join(report["notes"])


@pytest.mark.parametrize(
    ("words", "param"),
    [
        (("--tokens", "0"), "--tokens"),
        (("--repeats", "-1"), "--repeats"),
        (("--text-tokens", "1"), "--text-tokens"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(bench, words, param):
    with pytest.raises(ConfigError) as error:
        bench("nowhere", *words)
    assert error.value.param == param


def test_perplexity_is_that_of_the_stock_models_own_loss(make_checkpoint, config):
    folder = make_checkpoint()
    ids = prose_ids(load_chat(folder), 60)
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        given = torch.tensor([ids])
        expected = model(given, labels=given).loss.exp().item()
    settings = {"dtype": "float32", "decode_weights": "same", "device": "cpu"}
    backbone = llm.load_backbone(folder, config.llm.model_copy(update=settings))
    for chunk in (1, 16, 1_000):
        assert perplexity(backbone, ids, chunk) == pytest.approx(expected, rel=1e-4)


def test_asking_for_more_prose_than_there_is_is_refused(models):
    chat = load_chat(models.resolve("llm").path)
    assert len(prose_ids(chat, 3_000)) == 3_000
    with pytest.raises(ConfigError) as error:
        prose_ids(chat, 10**6)
    assert error.value.param == "--text-tokens"
