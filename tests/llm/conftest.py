"""Tiny models with random weights, written as checkpoints, and the embedded one, all in float32; and a life
that such a model may have."""

import copy
import os

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from gateway.models import build_registry
from llm.answer import Answer
from llm.chat import ChatFormat, load_chat
from llm.loading import load_backbone
from llm.question import Question
from llm.reader import Reader
from llm.steps import run
from llm.stream import Stream
from memory.host import MemoryHost
from memory.store.identity import Fingerprint
from streams.config import LlmConfig, MemoryConfig, load_config
from streams.types import US_PER_S, BlockKind

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


FRAME, UTTERANCE, REPLY = BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY
SCRIPT = [
    (FRAME, "a tabby cat on a red sofa"),
    (FRAME, "an espresso in a white cup"),
    (UTTERANCE, "I left my keys on the kitchen table this morning."),
    (FRAME, "a moped, a street sign"),
    (REPLY, "What is on the sofa?"),
    (FRAME, "a rocket on its pad at dusk"),
    (UTTERANCE, "The meeting moves to Thursday at nine."),
    (REPLY, "When is the meeting?"),
    (FRAME, "a palace by a lake, a flower"),
    (UTTERANCE, "That was all."),
]


class Recorder:
    """A backbone that also keeps the logits it gave out."""

    def __init__(self, backbone):
        self._backbone = backbone
        self.given = []

    def __getattr__(self, name):
        return getattr(self._backbone, name)

    def logits(self, hidden):
        self.given.append(self._backbone.logits(hidden))
        return self.given[-1]


class Life:
    """Plays the script into a stream whose window holds next to nothing, reading each block after all.

    ``ids`` are then those of the whole, and ``pictures`` what was read in place of some, by where.
    """

    writes = 6

    def __init__(self, backbone, chat, new_stream, *, eye=None, **settings):
        """With ``eye`` frames are read as the visual tokens that it makes of their text."""
        self.eye = eye
        self.pictures = []
        self.backbone = Recorder(backbone)
        config = LlmConfig(repetition_penalty=1.0, prefill_chunk_tokens=16, device="cpu")
        self.reader = Reader(self.backbone, chat, config)
        block_bytes = 30 * backbone.spec.token_bytes
        self.open = lambda: new_stream(
            self.reader,
            "Answer briefly.",
            window_tokens=1,
            dialogue_tokens=1,
            recall_blocks=1_000,
            ram_bytes=3 * block_bytes,
            device_bytes=1,
            **settings,
        )
        self.stream = self.open()
        self.ids = list(chat.instructions("Answer briefly.").ids)
        self.kept = {}
        self.passages = {}
        self.now_us = 0
        self._watch()

    def _watch(self):
        self._take_in = self.stream.memory.append
        self.stream.memory.append = self._keep

    def restart(self):
        """Close the memory and open it again from disk."""
        self.stream.close()
        self.stream = self.open()
        assert self.stream.memory.restored
        self._watch()

    def _keep(self, block):
        self.kept[block.id] = block.keys.clone(), block.values.clone()
        self._take_in(block)

    def play(self):
        for kind, text in SCRIPT:
            # Replies of a model that knows nothing may be alike; so far apart they are two moments.
            self.now_us += 12 * US_PER_S
            if kind is REPLY:
                self.ask(text).finish(self.now_us)
            else:
                self.read(kind, text)

    def read(self, kind, text):
        """As ``Stream.see`` and ``overhear`` do, but after every block there is."""
        chat, memory = self.reader.chat, self.stream.memory
        shown = self.eye(text) if self.eye and kind is FRAME else text
        passage = (chat.sight if kind is FRAME else chat.overheard)(self.now_us, shown)
        if passage.visual is not None:
            self.pictures.append((len(self.ids) + passage.start, passage.visual.embeddings))
        info = memory.new_info(kind, self.now_us, self.now_us, text, passage.tokens, passage.grid)
        context = self.backbone.new_context()
        memory.append(run(self.reader.read(passage, [self.stream.sinks, *self.everything()], context, info)))
        self.ids += passage.ids
        self.passages[info.id] = passage

    def ask(self, text):
        """An answer of some tokens to ``text``, with every block recalled; adds its tokens to ``ids``."""
        chat = self.reader.chat
        answer = Answer(self.stream, Question(text, self.now_us, self.now_us), max_tokens=self.writes)
        moments = run(answer.prepare())
        assert [moment.block_id for moment in moments] == [info.id for info in self.stream.memory.sealed()]
        first = len(self.backbone.given) - 1
        while answer.step(self.now_us) is not None:
            pass
        self.ids += [*chat.question(self.now_us, text).ids, *chat.ids(chat.reply_prefix)]
        self.answer_start = len(self.ids)
        self.answer_logits = torch.stack(self.backbone.given[first:])
        self.written = [token.id for token in answer.written]
        self.ids += [*self.written, *chat.ids(chat.reply_suffix)]
        return answer

    def everything(self):
        memory = self.stream.memory
        sealed = memory.fetch([info.id for info in memory.sealed()])
        return sorted([*sealed, *memory.recent()], key=lambda block: block.id)


@pytest.fixture
def new_life(new_stream, chat):
    """Makes a ``Life``: ``new_life(backbone)``, in the embedded model's chat format or ``own_chat``."""
    return lambda backbone, own_chat=None, **options: Life(backbone, own_chat or chat, new_stream, **options)
