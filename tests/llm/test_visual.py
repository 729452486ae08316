import pytest
import torch

from llm.visual import VisualTokens


def test_some_tokens_of_a_picture_keep_what_goes_with_them():
    whole = VisualTokens(torch.arange(12.0).view(4, 3), (2, 2), torch.arange(24.0).view(2, 4, 3), "cat")
    some = whole.some([0, 3])
    assert torch.equal(some.embeddings, whole.embeddings[[0, 3]])
    assert torch.equal(some.deep, whole.deep[:, [0, 3]])
    assert (some.grid, some.text, some.places) == ((2, 2), "cat", (0, 3))


def test_of_a_part_no_part_is_taken():
    with pytest.raises(AssertionError, match="left out"):
        VisualTokens(torch.ones(3, 2)).some([0, 1]).some([0])
