import copy
import os

import gguf
import numpy as np
import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from gateway.models import build_registry
from llm.gguf import convert_gguf
from streams.config import load_config
from streams.errors import ModelNotFoundError

HEADS, KV_HEADS, WIDTH, INNER, LAYERS = 4, 2, 32, 48, 2
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["Ċ Ċ", "Ġ Ġ", "a b"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(5)
    vocabulary = SPECIAL + sorted(ByteLevel.alphabet()) + [merge.replace(" ", "") for merge in MERGES]
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.5,
    )
    return LlamaForCausalLM(config).eval(), vocabulary


def interleave(weight, heads):
    """Rows of a query or key projection in the order of GGUF, whose rotary pairs lie side by side."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(path, model, vocabulary):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(vocabulary) - len(SPECIAL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    names = {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    heads = {"attn_q": HEADS, "attn_k": KV_HEADS}
    for layer in range(LAYERS):
        for short, long in names.items():
            weight = weights[f"model.layers.{layer}.{long}.weight"]
            weight = interleave(weight, heads[short]) if short in heads else weight
            writer.add_tensor(f"blk.{layer}.{short}.weight", np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def converted(tiny, tmp_path_factory):
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "target"))
    write_gguf(source / "tiny.gguf", *tiny)
    convert_gguf(source, target)
    return target


def test_the_converted_weights_are_the_original_in_bfloat16(tiny, converted):
    original, _ = tiny
    model = AutoModelForCausalLM.from_pretrained(converted)
    assert model.dtype == torch.bfloat16
    assert model.config.tie_word_embeddings
    state = model.state_dict()
    for name, tensor in original.state_dict().items():
        assert torch.equal(state[name], tensor.to(torch.bfloat16)), name
    rounded = copy.deepcopy(original)
    rounded.load_state_dict(state)
    ids = torch.arange(3, 60)[None]
    with torch.inference_mode():
        torch.testing.assert_close(model.float()(ids).logits, rounded(ids).logits)


def test_the_tokenizer_splits_as_smollm_does(converted):
    tokenizer = AutoTokenizer.from_pretrained(converted)
    assert tokenizer.tokenize("ab\n\n12  3") == ["ab", "ĊĊ", "1", "2", "ĠĠ", "3"]
    assert tokenizer.tokenize("<|im_start|>a") == ["<|im_start|>", "a"]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer.model_max_length == 128
    text = tokenizer.apply_chat_template([{"role": "user", "content": "ab"}], tokenize=False)
    assert text == "<|im_start|>user\nab<|im_end|>\n"


def test_refuses_a_folder_without_exactly_one_file(tmp_path):
    with pytest.raises(ModelNotFoundError, match="0 GGUF files"):
        convert_gguf(tmp_path, tmp_path)


@pytest.fixture(scope="module")
def embedded():
    folder = build_registry(load_config(environ=os.environ).models).resolve("llm").path
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def test_the_embedded_model_is_set_up_as_smollm2(embedded):
    model, tokenizer = embedded
    config = model.config
    assert model.dtype == torch.bfloat16
    assert config.tie_word_embeddings
    assert config.rope_parameters["rope_theta"] == 100_000
    assert (config.bos_token_id, config.eos_token_id, model.generation_config.eos_token_id) == (1, 2, 2)
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert tokenizer.tokenize("a\n\n1. b 22") == ["a", "ĊĊ", "1", ".", "Ġb", "Ġ", "2", "2"]
    messages = [{"role": "user", "content": "Hi"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_embedded_model_knows_paris(embedded):
    model, tokenizer = embedded
    inputs = tokenizer("The capital of France is", return_tensors="pt")
    with torch.inference_mode():
        best = model(**inputs).logits[0, -1].argmax()
    assert tokenizer.decode(best) == " Paris"
