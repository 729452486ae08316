"""A tiny model of each family with random weights, saved as real checkpoints are, and what it looks at."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForImageTextToText,
    Idefics3Config,
    LlavaOnevisionConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen3VLConfig,
    SmolVLMConfig,
)
from transformers.models.idefics3.image_processing_idefics3 import Idefics3ImageProcessor
from transformers.models.llava_onevision.video_processing_llava_onevision import LlavaOnevisionVideoProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
from transformers.models.smolvlm.image_processing_smolvlm import SmolVLMImageProcessor

from llm.chat import load_chat
from llm.loading import load_model
from streams.config import LlmConfig
from streams.types import Embedding, Frame

FAKE, GLOBAL, IMAGE, VIDEO = "<fake_token_around_image>", "<global-img>", "<image>", "<video>"
SMOL_TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}"
    "{% if m['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
LLAVA_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' }}"
    "{% for part in m['content'] | selectattr('type', 'equalto', 'video') %}{{ '<video>' }}{% endfor %}"
    "{% for part in m['content'] | selectattr('type', 'equalto', 'text') %}{{ '\n' + part['text'] }}"
    "{% endfor %}{{ '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}"
    "{% else %}{% for part in m.content %}{% if part.type == 'image' %}<|vision_start|><|image_pad|>"
    "<|vision_end|>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = {
    "vocab_size": 288,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4_096,
    "tie_word_embeddings": False,
}
SIGLIP = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
QWEN_EYE = {"depth": 3, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 48}
PLAIN_SIZES = [(48, 64), (64, 48), (48, 64), (40, 40), (30, 100)]
"""Heights and widths of the frames that are looked at: what changes in a stream may be the shape too."""


def tokenizer(marks, template, end):
    """Every byte is a token: enough to say anything, with no training."""
    alphabet = {byte: number for number, byte in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bytes_only = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytes_only.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=bytes_only, eos_token=end)
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>", end, *marks]})
    made.chat_template = template
    return made


class Kind:
    """How one family is made small: ``save`` writes a checkpoint whose language model has ``layers``."""

    backends = ("hooked", "lean")

    def __init__(self, template, marks, end="<|im_end|>"):
        self.tokenizer = tokenizer(marks, template, end)

    def token(self, mark):
        return self.tokenizer.convert_tokens_to_ids(mark)

    def save(self, path, layers=3):
        config = self.config(TEXT | {"num_hidden_layers": layers})
        torch.manual_seed(3)
        model = AutoModelForImageTextToText.from_config(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # Sharp enough for what is seen to matter; norms and biases too.
                parameter.normal_(1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.2)
        model.save_pretrained(path)
        self.tokenizer.save_pretrained(path)
        self.processor().save_pretrained(path)
        return path


class SmolVLM(Kind):
    configuration, preparation = SmolVLMConfig, SmolVLMImageProcessor

    def __init__(self):
        super().__init__(SMOL_TEMPLATE, [FAKE, GLOBAL, IMAGE], end="<end_of_utterance>")

    def config(self, text):
        eye = SIGLIP | {"image_size": 32, "patch_size": 8}
        return self.configuration(
            text_config={"model_type": "llama", **text},
            vision_config=eye,
            scale_factor=2,
            image_token_id=self.token(IMAGE),
            tie_word_embeddings=False,
        )

    def processor(self):
        # Black is 0 and so, to the stock model, padding.
        return self.preparation(
            size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_normalize=False
        )

    def inputs(self, ids, frames):
        pictures = [[frame.image for frame in frames]]
        film = {"size": {"longest_edge": 32}, "do_image_splitting": False}
        prepared = self.processor()(images=pictures, **film, return_tensors="pt")
        return ids, {"pixel_values": prepared["pixel_values"]}


class Idefics3(SmolVLM):
    configuration, preparation = Idefics3Config, Idefics3ImageProcessor


class LlavaOnevision(Kind):
    def __init__(self):
        super().__init__(LLAVA_TEMPLATE, [IMAGE, VIDEO])

    def config(self, text):
        eye = SIGLIP | {"model_type": "siglip_vision_model", "image_size": 20, "patch_size": 4}
        return LlavaOnevisionConfig(
            text_config={"model_type": "qwen2", **text},
            vision_config=eye | {"vision_use_head": False},
            image_token_index=self.token(IMAGE),
            video_token_index=self.token(VIDEO),
            tie_word_embeddings=False,
        )

    def processor(self):
        return LlavaOnevisionVideoProcessor(size={"height": 20, "width": 20})

    def inputs(self, ids, frames):
        """One film of all frames: its newline is the last token, behind everything that is compared."""
        film = [self.processor()([frame.image[None]], return_tensors="pt") for frame in frames]
        pixels = torch.cat([one["pixel_values_videos"] for one in film], dim=1)
        return [*ids, self.token(VIDEO)], {"pixel_values_videos": pixels}


QWEN_MARKS = ["<|vision_start|>", "<|image_pad|>", "<|video_pad|>", "<|vision_end|>"]
QWEN_ROPE = {"rope_type": "default", "rope_theta": 10_000.0}


class Qwen(Kind):
    def __init__(self):
        super().__init__(QWEN_TEMPLATE, QWEN_MARKS)

    def config(self, text):
        return self.configuration(
            text_config=text | {"rope_parameters": QWEN_ROPE | {"mrope_section": [*self.sections]}},
            vision_config=QWEN_EYE | self.eye(),
            image_token_id=self.token("<|image_pad|>"),
            video_token_id=self.token("<|video_pad|>"),
            vision_start_token_id=self.token("<|vision_start|>"),
            vision_end_token_id=self.token("<|vision_end|>"),
            tie_word_embeddings=False,
        )

    def processor(self):
        areas = {"shortest_edge": 64, "longest_edge": 4_096}
        return Qwen2VLImageProcessor(patch_size=4, merge_size=2, size=areas)

    def inputs(self, ids, frames):
        size = {"shortest_edge": 64, "longest_edge": 12 * 64}
        prepared = self.processor()(images=[frame.image for frame in frames], size=size, return_tensors="pt")
        kinds = torch.tensor([[int(each == self.token("<|image_pad|>")) for each in ids]])
        return ids, {**prepared, "mm_token_type_ids": kinds}


class Qwen25VL(Qwen):
    configuration, sections = Qwen2_5_VLConfig, (2, 3, 3)

    def config(self, text):
        # Its heads are as wide as the hidden size gives them.
        return super().config(text | {"num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": None})

    def eye(self):
        return {"patch_size": 4, "spatial_merge_size": 2, "window_size": 16, "fullatt_block_indexes": [1]}


class Qwen3VL(Qwen):
    backends = ("hooked",)
    configuration, sections = Qwen3VLConfig, (4, 2, 2)

    def eye(self):
        places = {"num_position_embeddings": 16, "deepstack_visual_indexes": [0, 2]}
        return {"patch_size": 4, "spatial_merge_size": 2, **places}


KINDS = {
    "smolvlm": SmolVLM,
    "idefics3": Idefics3,
    "llava-onevision": LlavaOnevision,
    "qwen2.5-vl": Qwen25VL,
    "qwen3-vl": Qwen3VL,
}
PAIRS = [(name, backend) for name, kind in KINDS.items() for backend in kind.backends]


class Seeing:
    """A tiny checkpoint: what is loaded of it, and the stock model."""

    def __init__(self, kind, path):
        self.kind, self.path = kind, path

    def load(self, backend="hooked"):
        settings = {"dtype": "float32", "decode_weights": "same", "device": "cpu", "frame_tokens": 12}
        return load_model(self.path, LlmConfig(backend=backend, **settings))

    def chat(self, marks):
        return load_chat(self.path, marks)

    def stock(self, ids, frames, positions=None):
        """Logits of the stock model over all of ``ids`` with the pixels of ``frames``, in one pass.

        At ``positions`` [3, n], all rows the same but in families that know three; its own without.
        """
        model = AutoModelForImageTextToText.from_pretrained(self.path, dtype=torch.float32).eval()
        whole, given = self.kind.inputs(ids, frames)
        if positions is not None:
            more = positions[:, -1:] + 1 + torch.arange(len(whole) - len(ids))
            placed = torch.cat((positions, more), dim=1)[:, None]
            given["position_ids"] = placed if isinstance(self.kind, Qwen) else placed[0]
        with torch.inference_mode():
            return model(input_ids=torch.tensor([whole]), **given).logits[0, : len(ids)]


def frame(number, height, width):
    """A picture that is like no other."""
    noise = np.random.default_rng(number).integers(0, 255, (4, 4, 3), np.uint8)
    return Frame(
        number, np.ascontiguousarray(np.kron(noise, np.ones((25, 25, 1), np.uint8))[:height, :width])
    )


@pytest.fixture(scope="session")
def frames():
    return [frame(number, *size) for number, size in enumerate(PLAIN_SIZES)]


@pytest.fixture(scope="session")
def look():
    """Looks at frames through an eye that has a tower of its own."""
    nothing = Embedding(0, "none", np.zeros((0, 0), np.float32))
    return lambda eye, frames: eye.look(frames, [nothing] * len(frames))


@pytest.fixture(scope="session")
def seeing(tmp_path_factory):
    """Tiny checkpoints by family and number of layers, made once: ``seeing("smolvlm")``."""
    made = {}

    def get(name, layers=3):
        if (name, layers) not in made:
            kind = KINDS[name]()
            made[name, layers] = Seeing(kind, kind.save(tmp_path_factory.mktemp(name), layers))
        return made[name, layers]

    return get


def pytest_generate_tests(metafunc):
    if {"family", "backend"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("family", "backend"), PAIRS)
    elif "family" in metafunc.fixturenames:
        metafunc.parametrize("family", KINDS)
