import torch

from llm.passage import Passage
from llm.prompt import compose
from llm.visual import VisualTokens


def test_text_is_embedded_as_its_tokens(lean):
    backbone = lean("llama")
    passages = [Passage.of((5, 6)), Passage((7, 8, 9), 1, 2)]
    assert torch.equal(compose(backbone, passages, 0).embeddings, backbone.embed([5, 6, 7, 8, 9]))


def test_pictures_stand_in_the_place_of_their_placeholders(lean):
    backbone = lean("llama")
    shown = VisualTokens(torch.randn(2, backbone.spec.hidden))
    passages = [Passage.of((5, 6)), Passage((7, 0, 0, 8), 1, 3, shown), Passage.of((9,))]
    before = backbone.embed([0]).clone()
    embedded = compose(backbone, passages, 0).embeddings
    text = backbone.embed([5, 6, 7, 0, 0, 8, 9])
    assert torch.equal(embedded[3:5], shown.embeddings)
    kept = [0, 1, 2, 5, 6]
    assert torch.equal(embedded[kept], text[kept])
    assert torch.equal(backbone.embed([0]), before), "the table is as it was"


def test_pictures_on_grids_say_where_all_tokens_stand(lean):
    backbone = lean("llama")
    shown = VisualTokens(torch.randn(6, backbone.spec.hidden), grid=(2, 3))
    passages = [Passage.of((5, 6)), Passage((7, *[0] * 6, 8), 1, 7, shown), Passage.of((9,))]
    told = compose(backbone, passages, 40)
    time, height, width = told.positions.tolist()
    assert time == [40, 41, 42, *[43] * 6, 46, 47]
    assert height == [40, 41, 42, 43, 43, 43, 44, 44, 44, 46, 47]
    assert width == [40, 41, 42, 43, 44, 45, 43, 44, 45, 46, 47]
    part = told.cut(2, 5)
    assert torch.equal(part.positions, told.positions[:, 2:5])
    assert torch.equal(part.embeddings, told.embeddings[2:5])
    assert compose(backbone, passages[:1], 40).positions is None


def test_what_goes_into_layers_is_nothing_where_there_is_text(lean):
    backbone = lean("llama")
    hidden = backbone.spec.hidden
    shown = VisualTokens(torch.randn(2, hidden), deep=torch.randn(3, 2, hidden))
    told = compose(backbone, [Passage((7, 0, 0, 8), 1, 3, shown), Passage.of((9,))], 0)
    assert told.deep.shape == (3, 5, hidden)
    assert torch.equal(told.deep[:, 1:3], shown.deep)
    assert not told.deep[:, [0, 3, 4]].any()
    assert torch.equal(told.cut(1, 3).deep, shown.deep)
