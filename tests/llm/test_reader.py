import numpy as np
import pytest
import torch

from llm.eye import ConnectorEye
from llm.families.llava_onevision import LlavaOnevisionEye
from llm.families.qwen_vl import QwenEye
from llm.families.smolvlm import SmolVLMEye
from llm.reader import Reader
from llm.steps import run
from llm.visual import VisualTokens
from memory.block import BlockInfo
from memory.store.identity import Fingerprint
from streams.config import LlmConfig
from streams.types import BlockKind


class Counting:
    """An embedder that tells texts apart by their length, and knows what it was asked."""

    dim = 3

    def __init__(self):
        self.asked = []

    def embed(self, texts):
        self.asked += texts
        return np.array([[len(text), 1, 0] for text in texts], dtype=np.float32)


def test_what_says_nothing_means_nothing(lean, chat):
    embedder = Counting()
    reader = Reader(lean("llama"), chat, LlmConfig(device="cpu"), embedder=embedder)
    np.testing.assert_array_equal(reader.embed(["", "cat", ""]), [[0, 0, 0], [3, 1, 0], [0, 0, 0]])
    assert not reader.embedding("").any()
    assert embedder.asked == ["cat"]


@pytest.mark.parametrize(
    ("eye", "wordless"),
    [
        (None, False),
        (ConnectorEye, False),
        (LlavaOnevisionEye, True),
        (QwenEye, True),
        (SmolVLMEye, True),
    ],
)
def test_memory_is_told_whether_frames_come_with_words(lean, chat, eye, wordless):
    seeing = eye and eye.__new__(eye)
    reader = Reader(lean("llama"), chat, LlmConfig(device="cpu"), eye=seeing)
    assert reader.shape(Fingerprint("test", "weights", "tokenizer", 1, 1, 1)).wordless is wordless


def test_a_frame_is_found_by_what_is_likely_too(lean, chat):
    embedder = Counting()
    reader = Reader(lean("llama"), chat, LlmConfig(device="cpu"), embedder=embedder)
    visual = VisualTokens(torch.zeros(2, reader.backbone.spec.hidden), text="a cat", likely="a fox, a dog")
    passage = chat.sight(0, visual)
    info = BlockInfo(1, BlockKind.FRAME, 0, 1, visual.text, passage.tokens)
    context = reader.backbone.new_context()
    reader.assemble(context, [], passage.extent)
    run(reader.prefill([passage], context))
    block = reader.seal(context, 0, passage, info)
    assert embedder.asked == ["a cat, a fox, a dog"]
    assert block.info.text == "a cat"
