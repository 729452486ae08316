"""Tiny models with random weights, written as checkpoints, and the embedded one; all in float32."""

import copy
import os

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from gateway.models import build_registry
from llm.chat import ChatFormat, load_chat
from llm.loading import load_backbone
from llm.stream import Stream
from memory.host import MemoryHost
from memory.store.identity import Fingerprint
from streams.config import LlmConfig, MemoryConfig, load_config

FINGERPRINT = Fingerprint("test", "weights", "tokenizer", 1, 1, 1)

VOCAB = 49_152
"""Of the embedded model, whose tokenizer the tiny ones share."""
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10_000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 64,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
SHAPE = {
    "vocab_size": VOCAB,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "max_position_embeddings": 4_096,
}
TINY = {
    # Heads wider than hidden / heads, and three queries to a key.
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True),
    "llama3": LlamaConfig(**SHAPE, num_key_value_heads=6, rope_parameters=LLAMA3, tie_word_embeddings=False),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=3, tie_word_embeddings=False),
    "qwen2-yarn": Qwen2Config(**SHAPE, num_key_value_heads=1, rope_parameters=YARN, tie_word_embeddings=True),
}


FUNCTIONS = """\
<|im_start|>system
{{ messages[0].content if messages[0].role == 'system' else 'You help.' }}
{%- if tools %}

{% for tool in tools %}<tool>{{ tool | tojson }}</tool>
{% endfor %}{% endif %}<|im_end|>
{% for message in messages %}
{%- if message.role == 'tool' %}<|im_start|>user
<result>
{{ message.content }}
</result><|im_end|>
{% elif message.tool_calls %}<|im_start|>assistant
{% for call in message.tool_calls %}<call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</call>{% endfor %}<|im_end|>
{% elif message.role != 'system' %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""A chat template that knows functions."""


class Checkpoint:
    """A checkpoint folder: the stock model out of it, and backbones."""

    def __init__(self, path):
        self.path = path

    def stock(self):
        """What Transformers makes of it, with its own attention over everything."""
        return AutoModelForCausalLM.from_pretrained(self.path, dtype=torch.float32).eval()

    def backbone(self, backend="lean", adapter=None, **options):
        settings = {"dtype": "float32", "decode_weights": "same", "device": "cpu"} | options
        return load_backbone(self.path, LlmConfig(backend=backend, **settings), adapter)


@pytest.fixture(scope="session")
def embedded():
    """Folder of the embedded language model."""
    return build_registry(load_config(environ=os.environ).models).resolve("llm").path


@pytest.fixture(scope="session")
def chat(embedded):
    return load_chat(embedded)


@pytest.fixture(scope="session")
def native(chat):
    """The chat format of a model that was told of functions."""
    tokenizer = copy.deepcopy(chat.tokenizer)
    tokenizer.chat_template = FUNCTIONS
    return ChatFormat(tokenizer)


@pytest.fixture(scope="session")
def checkpoints(embedded, tmp_path_factory):
    made = {"smollm2": Checkpoint(embedded)}
    for name, config in TINY.items():
        torch.manual_seed(7)
        kind = LlamaForCausalLM if config.model_type == "llama" else Qwen2ForCausalLM
        model = kind(config)
        with torch.no_grad():
            for parameter_name, parameter in model.named_parameters():
                # Sharp enough for attention to matter; norms and biases too, which start at 1 and 0.
                centre = 1.0 if "norm" in parameter_name else 0.0
                parameter.normal_(centre, 0.3)
        path = tmp_path_factory.mktemp(name)
        model.save_pretrained(path)
        made[name] = Checkpoint(path)
    return made


@pytest.fixture(scope="session")
def stock(checkpoints):
    """Stock models by name, loaded once: ``stock("smollm2")``."""
    return _once(lambda name: checkpoints[name].stock())


@pytest.fixture(scope="session")
def lean(checkpoints):
    """Lean backbones by name, loaded once."""
    return _once(lambda name: checkpoints[name].backbone())


@pytest.fixture(scope="session")
def hooked(checkpoints):
    """Hooked backbones by name, loaded once."""
    return _once(lambda name: checkpoints[name].backbone("hooked"))


def _once(load):
    loaded = {}

    def get(name):
        if name not in loaded:
            loaded[name] = load(name)
        return loaded[name]

    return get


@pytest.fixture
def new_stream():
    """A stream on a memory of its own: ``new_stream(reader, window_tokens=40)``.

    With ``dir`` and ``name`` it is kept, and goes on where it was. When the test is over every memory
    is checked.
    """
    hosts = []

    def new(reader, instructions="Be brief.", name="test", **settings):
        hosts.append(
            MemoryHost(MemoryConfig(**{"policy": "representatives"} | settings), reader.shape(FINGERPRINT))
        )
        return Stream(reader, hosts[-1].open(name), instructions)

    yield new
    for host in hosts:
        host.check_integrity()
        host.close()
