import torch

from llm import prompt
from llm.passage import Passage
from llm.visual import VisualTokens


def test_text_is_embedded_as_its_tokens(lean):
    backbone = lean("llama")
    passages = [Passage.of((5, 6)), Passage((7, 8, 9), 1, 2)]
    assert torch.equal(prompt.embeddings(backbone, passages), backbone.embed([5, 6, 7, 8, 9]))


def test_pictures_stand_in_the_place_of_their_placeholders(lean):
    backbone = lean("llama")
    shown = VisualTokens(torch.randn(2, backbone.spec.hidden))
    passages = [Passage.of((5, 6)), Passage((7, 0, 0, 8), 1, 3, shown), Passage.of((9,))]
    before = backbone.embed([0]).clone()
    embedded = prompt.embeddings(backbone, passages)
    text = backbone.embed([5, 6, 7, 0, 0, 8, 9])
    assert torch.equal(embedded[3:5], shown.embeddings)
    kept = [0, 1, 2, 5, 6]
    assert torch.equal(embedded[kept], text[kept])
    assert torch.equal(backbone.embed([0]), before), "the table is as it was"
