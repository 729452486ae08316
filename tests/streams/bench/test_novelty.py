import argparse

import numpy as np
import pytest
import torch

from llm.visual import VisualTokens
from streams.bench.novelty import (
    BUDGETS,
    NOVELTIES,
    Look,
    Outcome,
    add_arguments,
    look,
    play,
    report,
    run,
    sampled,
)
from streams.errors import ConfigError
from streams.train.sample import Facts, Thing
from streams.types import Frame

WINDOW_TOKENS = 40
CAT, DOG = Facts((Thing("cat", "animal"),)), Facts((Thing("dog", "animal"),))
CAT_MOVES = Facts(CAT.things, motion="left")


def seen(facts, *directions):
    """A frame of as many tokens, each in a direction of its own; ten more tokens are around them."""
    return Look(VisualTokens(torch.eye(8)[list(directions)]), len(directions) + 10, facts)


def played(granularity, *looks, novelty=0.1):
    outcome = Outcome()
    play(looks, granularity, novelty, WINDOW_TOKENS, outcome)
    return outcome


@pytest.mark.parametrize(("granularity", "tokens"), [("frames", 4), ("tokens", 3)])
def test_frames_and_tokens_are_counted_as_they_are_read(granularity, tokens):
    outcome = played(granularity, seen(CAT, 0, 1), seen(CAT, 0, 1), seen(DOG, 0, 2))
    assert (outcome.frames, outcome.frames_read) == (3, 2)
    assert (outcome.tokens, outcome.tokens_read) == (6, tokens)
    assert (outcome.missed, outcome.moved, outcome.again) == (0, 0, 0)


def test_news_that_look_like_nothing_new_are_missed():
    outcome = played("frames", seen(CAT, 0), seen(DOG, 0), seen(CAT_MOVES, 0), seen(CAT, 1))
    assert (outcome.missed, outcome.moved, outcome.again) == (1, 1, 1)


def test_what_left_the_window_is_read_again():
    looks = [seen(CAT, 0, 1), seen(CAT, 0, 2), seen(CAT, 0, 3), seen(CAT, 0, 4), seen(CAT, 0, 4)]
    assert played("tokens", *looks).tokens_read == 2 + 1 + 1 + 1 + 1


def test_the_report_has_a_row_for_each_setting():
    made = report([[seen(CAT, 0), seen(CAT, 0), seen(DOG, 1)], [seen(CAT_MOVES, 2)]], WINDOW_TOKENS)
    assert [(row["budget"], row["novelty"]) for row in made.rows] == [
        (budget, novelty) for budget in BUDGETS for novelty in NOVELTIES
    ]
    assert {row["frames"] for row in made.rows} == {0.75}
    assert {column.key for column in made.columns} == set(made.rows[0])
    assert "4 sampled frames of 2 held-out streams: 3 show other things" in made.notes[0]
    assert "in 1 something moved" in made.notes[0]


def test_what_sampling_leaves_out_does_not_count(config):
    pictures = [np.full((48, 64, 3), level, np.uint8) for level in (10, 10, 200, 200)]
    shown = [(Frame(second * 1_000_000, picture), CAT) for second, picture in enumerate(pictures)]
    assert [frame.pts_us for frame, _ in sampled(config.video, shown)] == [0, 2_000_000]


class Eye:
    def __init__(self, hidden):
        self._hidden = hidden

    def look(self, frames, features):
        return [VisualTokens(torch.ones(3, self._hidden)) for _ in frames]


def test_a_frame_goes_through_the_models_eye(streams, monkeypatch):
    backend = streams.backend
    monkeypatch.setattr(backend.reader, "eye", Eye(backend.reader.backbone.spec.hidden))
    looked = look(backend, Frame(0, np.zeros((48, 64, 3), np.uint8)), CAT)
    assert len(looked.visual.embeddings) == 3
    assert looked.length == backend.reader.chat.sight(0, looked.visual).tokens


def test_no_streams_are_refused(config):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(ConfigError) as error:
        run(parser.parse_args(["--streams", "0"]), config)
    assert error.value.param == "--streams"
