import numpy as np

from llm.reader import Reader
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
