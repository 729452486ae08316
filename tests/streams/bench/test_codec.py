import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llm.chat import load_chat
from llm.loading import load_backbone
from memory.codec.codecs import CODECS
from memory.codec.exact import ExactCodec
from streams.bench.codec import FRAME_TOKENS, foretell, measure
from streams.bench.perplexity import perplexity, prose_ids
from streams.config import LlmConfig
from streams.errors import ConfigError

DIM = 16


@pytest.fixture(scope="module")
def chat(models):
    return load_chat(models.resolve("llm").path)


@pytest.fixture(scope="module")
def backbone(models, tmp_path_factory):
    """A tiny model, sharp enough for attention to matter."""
    torch.manual_seed(3)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=49_152,
            hidden_size=48,
            intermediate_size=80,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=DIM,
            max_position_embeddings=1_024,
        )
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.3)
    folder = tmp_path_factory.mktemp("tiny")
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(models.resolve("llm").path).save_pretrained(folder)
    return load_backbone(folder, LlmConfig(dtype="float32", decode_weights="same", device="cpu"))


@pytest.fixture(scope="module")
def ids(chat):
    return prose_ids(chat, 100)


class Counted(ExactCodec):
    """Notes the tokens of every block it encodes."""

    def __init__(self):
        self.seen = []

    def encode(self, block):
        self.seen.append(block.tokens)
        return super().encode(block)


def test_kept_as_they_are_blocks_foretell_what_one_pass_does(backbone, ids):
    kept = foretell(backbone, ids, CODECS["exact"], block_tokens=8, window_tokens=16).perplexity
    assert kept == pytest.approx(perplexity(backbone, ids, len(ids)), rel=1e-5)
    assert kept == pytest.approx(perplexity(backbone, ids, 8), rel=1e-5)


def test_sinks_come_first_and_do_not_count(backbone, ids):
    sinks, text = ids[:10], ids[10:]
    read = foretell(backbone, text, CODECS["exact"], sinks=sinks, block_tokens=8, window_tokens=64)
    whole = backbone.new_context()
    whole.assemble([], len(ids))
    logits = backbone.logits(backbone.forward(backbone.embed(ids), whole))
    loss = torch.nn.functional.cross_entropy(logits[9:-1], torch.tensor(text))
    assert read.perplexity == pytest.approx(loss.exp().item(), rel=1e-5)


def test_only_what_left_the_window_goes_through_the_codec(backbone, ids):
    def encoded(window_tokens):
        codec = Counted()
        foretell(backbone, ids, codec, sinks=ids[:5], block_tokens=8, window_tokens=window_tokens)
        return codec.seen

    # 100 tokens are twelve blocks of 8 and one of 4.
    assert encoded(16) == [8] * 11
    assert encoded(50) == [8] * 7
    assert encoded(0) == [8] * 12 + [4]
    assert encoded(100) == []


def test_a_codec_that_rounds_changes_what_is_foretold(backbone, ids):
    def with_codec(name, window_tokens=16):
        read = foretell(backbone, ids, CODECS[name], block_tokens=8, window_tokens=window_tokens)
        return read.perplexity

    exact = with_codec("exact")
    off = {name: abs(with_codec(name) / exact - 1) for name in ("bf16", "int8", "int4")}
    assert off["int4"] > off["int8"] > 0
    assert off["bf16"] > 0
    assert with_codec("int4", window_tokens=100) == exact


def test_every_codec_has_a_row(backbone, chat):
    report = measure(backbone, chat, text_tokens=120, block_tokens=12, window_tokens=24)
    rows = {row["codec"]: row for row in report.rows}
    assert list(rows) == list(CODECS)
    assert {column.key for column in report.columns} == set(rows["int4"])
    frame_bytes = 2 * 3 * 2 * FRAME_TOKENS * DIM
    assert rows["exact"]["kv_ratio"] == 2.0  # of a float32 model
    assert rows["bf16"]["kv_ratio"] == 1.0
    assert rows["bf16"]["mb_hour"] == pytest.approx(frame_bytes * 2 * 3_600 / 1e6)
    assert rows["exact"]["perplexity_change"] == rows["exact"]["key_error"] == 0
    assert rows["exact"]["same_guesses"] == 100
    assert 0 < rows["int8"]["key_error"] < 1 < rows["int4"]["key_error"] < 10
    assert 0 < rows["bf16"]["value_error"] < rows["int8"]["value_error"] < rows["int4"]["value_error"] < 15
    assert all(row["encode_ms"] > 0 and row["decode_ms"] > 0 for row in rows.values())


def test_changes_are_against_exact_though_it_is_not_asked_for(backbone, chat):
    one = {"int4": CODECS["int4"]}
    report = measure(backbone, chat, codecs=one, text_tokens=120, block_tokens=12, window_tokens=24)
    (row,) = report.rows
    assert row["perplexity_change"] != 0


def test_a_text_too_short_to_leave_the_window_is_refused(backbone, chat):
    with pytest.raises(ConfigError, match="window") as caught:
        measure(backbone, chat, text_tokens=60)
    assert caught.value.param == "--text-tokens"
