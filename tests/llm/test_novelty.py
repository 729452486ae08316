import math

import pytest
import torch

from llm.novelty import NoveltyFilter
from llm.visual import VisualTokens

THRESHOLD = 0.1
TURN = math.acos(1 - THRESHOLD)
"""The angle that is at the threshold."""


def picture(*angles, **more):
    """A token for each angle, in a plane; None is one of zeros."""
    rows = [[0.0, 0.0] if angle is None else [math.cos(angle), math.sin(angle)] for angle in angles]
    return VisualTokens(torch.tensor(rows), **more)


class Reader:
    """Reads what a filter chooses, in blocks of which the newest ``window`` are attended to."""

    def __init__(self, granularity, window=100):
        self.filter = NoveltyFilter(granularity, THRESHOLD)
        self.blocks = []
        self._window = window

    def see(self, visual):
        """The places that were read."""
        chosen = self.filter.choose(visual, self.blocks[-self._window :])
        if chosen is None:
            return []
        self.blocks.append(len(self.blocks) + 1)
        self.filter.note_read(self.blocks[-1], chosen)
        return list(range(len(visual.embeddings))) if chosen.places is None else list(chosen.places)


@pytest.fixture(params=["frames", "tokens"])
def reader(request):
    return Reader(request.param)


def test_the_first_picture_is_read_whole_and_the_same_again_is_not(reader):
    assert reader.see(picture(0, 1, 2)) == [0, 1, 2]
    assert reader.see(picture(0, 1, 2)) == []
    assert reader.see(picture(3, 1, 2.0))
    assert reader.see(picture(0, 1, 2))


@pytest.mark.parametrize(("granularity", "read"), [("frames", [0, 1, 2]), ("tokens", [1])])
def test_of_a_picture_that_changed_in_part(granularity, read):
    reader = Reader(granularity)
    reader.see(picture(0, 1, 2))
    assert reader.see(picture(0, 2, 2)) == read
    assert reader.see(picture(0, 2, 2)) == []


@pytest.mark.parametrize(("share", "new"), [(0.99, False), (1.01, True)])
def test_the_threshold_is_the_cosine_distance(reader, share, new):
    reader.see(picture(0, 1))
    assert bool(reader.see(picture(share * TURN, 1))) is new


def test_length_does_not_matter(reader):
    reader.see(picture(0, 1))
    assert reader.see(VisualTokens(5 * picture(0, 1).embeddings)) == []


def test_slow_changes_add_up(reader):
    reader.see(picture(0.0))
    read = [bool(reader.see(picture(0.4 * TURN * step))) for step in range(1, 9)]
    assert read == [False, False, True, False, False, True, False, False]


def test_what_has_left_the_window_is_new():
    reader = Reader("tokens", window=2)
    assert reader.see(picture(0, 1, 2)) == [0, 1, 2]
    assert reader.see(picture(0, 1, 3)) == [2]
    assert reader.see(picture(0, 2, 3)) == [1]
    # The first block, which alone showed the first token, is in the window no more.
    assert reader.see(picture(0, 2, 3)) == [0]
    assert reader.filter.newest_id == 4


def test_a_token_that_is_nothing_stays_nothing(reader):
    assert reader.see(picture(None, 0)) == [0, 1]
    assert reader.see(picture(None, 0)) == []
    assert reader.see(picture(1, 0))


def test_of_another_number_of_tokens_all_are_new(reader):
    reader.see(picture(0, 1))
    assert reader.see(picture(0, 1, 2)) == [0, 1, 2]
    assert reader.see(picture(0, 1)) == [0, 1]


def test_what_is_read_of_a_grid_stays_where_it_stood_in_it():
    chosen = NoveltyFilter("tokens", THRESHOLD)
    chosen.note_read(1, picture(0, 1, 2, 3, grid=(2, 2)))
    part = chosen.choose(picture(0, 2, 2, 0, grid=(2, 2)), [1])
    assert (part.grid, part.places) == ((2, 2), (1, 3))


def test_what_goes_through_is_what_was_shown():
    deep = torch.randn(2, 3, 2)
    chosen = NoveltyFilter("tokens", THRESHOLD)
    chosen.note_read(1, picture(0, 1, 2))
    shown = picture(0, 2, 3, deep=deep, text="cat")
    part = chosen.choose(shown, [1])
    assert torch.equal(part.embeddings, shown.embeddings[1:])
    assert torch.equal(part.deep, deep[:, 1:])
    assert part.text == "cat"


def test_half_precision_compares_as_well():
    reader = Reader("tokens")
    tokens = torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
    assert reader.see(VisualTokens(tokens.bfloat16())) == [0, 1, 2, 3]
    tokens[2] = -tokens[2]
    assert reader.see(VisualTokens(tokens.bfloat16())) == [2]
