import numpy as np
import pytest

from llm.eye import ConnectorEye
from llm.families.llava_onevision import LlavaOnevisionEye
from llm.families.qwen_vl import QwenEye
from llm.families.smolvlm import SmolVLMEye
from llm.reader import Reader
from memory.store.identity import Fingerprint
from streams.config import LlmConfig


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
