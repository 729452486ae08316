import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from llm.connector import TOKENS, Connector, word_tables
from llm.connector_config import EMPTY
from llm.pixels import PIXEL_CHANNELS
from streams.train.calibration import calibrate
from streams.train.imagined import imagine, imagined_dialogue, seen_imagined
from streams.train.labels import UNKNOWN, describe_words, labels
from streams.train.loop import Loop, Schedule
from streams.train.sample import Facts, Thing
from streams.train.seeing import Looks, Seeing, read_words
from streams.types import US_PER_S

CHANNELS, PLACES = 12, 4
NAMES, COLOURS = ("apple", "ball", "cup"), ("red", "blue")


def made(count, seed):
    """Features that tell name and colour of one thing to whoever learns to read them, and what they show."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.1, (count, 1 + PLACES, CHANNELS + PIXEL_CHANNELS)).astype(np.float16)
    facts = []
    for row in range(count):
        name, colour, right = rng.integers(3), rng.integers(2), rng.integers(2)
        place = 2 if right else 1
        features[row, place, name] += 4
        features[row, place, CHANNELS : CHANNELS + 8] += 1 if colour else -1
        features[row, 0] = features[row, 1:].mean(0)
        thing = Thing(NAMES[name], "thing", COLOURS[colour], "right" if right else "left")
        facts.append(Facts((thing,)))
    return features, facts


def photographs(count, seed):
    """They have a mark of their own in every place."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.1, (count, 1 + PLACES, CHANNELS + PIXEL_CHANNELS)).astype(np.float16)
    features[:, :, 7] += 4
    return features


def test_what_is_untold_is_not_learned_and_spoils_nothing():
    """A stage of which nobody told a colour or a count is trained; words of what is known are."""
    features, facts = made(40, 0)
    untold = [
        Facts(
            tuple(replace(thing, colour=None, untold=frozenset({"colour", "count"})) for thing in each.things)
        )
        for each in facts
    ]
    assert [thing.colour for each in untold for thing in each.things] == [None] * 40
    config = described(untold)
    asked = labels(untold, config)
    assert bool((asked["colour"][:, 0] == UNKNOWN).all())
    assert bool((asked["count"] == UNKNOWN).all())
    assert labels(facts, config)["count"].tolist() == [[1]] * 40
    looks = Looks(features, untold, photographs(0, 0))
    stage = Seeing(Connector(config), looks, looks, batch=8, rate=1e-3, decay=0, smoothing=0.05, seed=0)
    told = stage.step(0)
    assert told["count"] == 0.0
    assert math.isfinite(told["loss"])
    grads = [parameter.grad for parameter in stage.module.parameters() if parameter.grad is not None]
    assert all(bool(grad.isfinite().all()) for grad in grads)


def described(facts):
    return describe_words(
        facts, encoder="made", shape=(1 + PLACES, CHANNELS), hidden=8, width=32, layers=1, rank=2
    )


def figures(stage):
    """Of validation, and the loss of a batch."""
    return {**stage.evaluate(), "loss": stage.step(1000)["loss"]}


def stage_on(device, mixed=False):
    """Nothing trained yet, and what validates it."""
    features, facts = made(160, 0)
    unseen, unseen_facts = made(80, 1)
    torch.manual_seed(0)
    connector = Connector(described(facts))
    stage = Seeing(
        connector.to(device),
        Looks(features, facts, photographs(12, 2)),
        Looks(unseen, unseen_facts, photographs(6, 3)),
        batch=32,
        rate=3e-3,
        decay=0.01,
        smoothing=0.0,
        seed=0,
        mixed=mixed,
    )
    return connector, stage, (unseen, unseen_facts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A connector after some steps, its stage, and figures from before and after."""
    connector, stage, validation = stage_on("cpu")
    connector.eval()
    before = figures(stage)
    Loop(stage, Schedule(300, warmup=10, evaluate_every=1000), tmp_path_factory.mktemp("seeing")).run()
    return connector, validation, before, figures(stage)


def test_it_learns_what_is_there(trained):
    _, _, before, after = trained
    assert after["loss"] < before["loss"] / 3
    assert after["name"] > 0.9
    assert after["place"] > 0.8
    assert after["colour"] > 0.9
    assert after["name_none"] > 0.95
    assert (after["drawing"], after["photograph"]) == (1.0, 1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_learns_the_same_on_a_gpu_and_goes_on_from_there_on_the_cpu(tmp_path):
    schedule = Schedule(12, warmup=2, evaluate_every=6, save_every=6)
    connector, stage, _ = stage_on("cuda", mixed=True)
    loop = Loop(stage, schedule, tmp_path)
    loop.run(until=6)
    assert connector.where.is_cuda
    on_cpu, ours, _ = stage_on("cpu")
    theirs = connector.cpu().eval()
    again = Loop(ours, schedule, tmp_path)
    again.resume()
    assert again.done == 6
    assert all(
        torch.equal(one, other) for one, other in zip(on_cpu.parameters(), theirs.parameters(), strict=True)
    )
    again.run()
    assert again.done == 12


def test_the_residual_is_left_for_the_next_stage(trained):
    connector, (features, _), _, _ = trained
    assert float(connector.widen.detach().abs().sum()) == 0
    seen = connector(torch.from_numpy(features[:3]).float())
    tables = word_tables(connector.config, lambda word: torch.ones(len(word), 8))
    assert torch.equal(connector.tokens(seen, tables), connector.spoken(seen, tables))


def test_what_is_said_surely_is_right_as_often_as_asked(trained):
    connector, (features, facts), _, _ = trained
    calibrate(connector, features, facts, 0.9)
    assert float((read_words(connector, features)["photograph"] < 0.5).float().mean()) == pytest.approx(
        0.98, abs=0.02
    )
    found = connector(torch.from_numpy(features).float()).words["name"][:, 0]
    likely, word = found.max(-1)
    said = (likely >= connector.config.sure["name"]) & (word != 0)
    right = word == labels(facts, connector.config)["name"][:, 0]
    assert int(said.sum()) > 40
    assert float(right[said].float().mean()) >= 0.9


def test_labels_are_words_by_number():
    facts = [
        Facts((Thing("cup", "", "red", "left", 2), Thing("ball", "", None, "right")), "EXIT"),
        Facts((Thing("apple", "", None, ""),)),
    ]
    config = describe_words(facts, encoder="made", shape=(5, CHANNELS), hidden=8, width=32, layers=1, rank=2)
    assert config.names == (EMPTY, "apple", "ball", "cup")
    found = {kind: values.tolist() for kind, values in labels(facts, config).items()}
    assert found["name"] == [[3, 2, 0], [1, 0, 0]]
    assert found["colour"] == [[1, 0, 0], [0, 0, 0]]
    assert found["place"] == [[1, 2, 0], [UNKNOWN, 0, 0]]
    assert found["count"] == [[2], [1]]
    assert found["text"] == [[1], [0]]
    other = labels([Facts((Thing("pear", ""),), "STOP")], config)
    assert other["name"][0, 0] == other["text"][0, 0] == UNKNOWN


def test_imagined_photographs_are_likelihoods_of_classes(trained):
    connector = trained[0]
    imagined = imagine(connector, 50, 0)
    assert torch.allclose(imagined.classes.sum(-1), torch.ones(50), atol=1e-4)
    assert bool((imagined.classes >= 0).all())
    seen = seen_imagined(connector, imagined)
    tables = word_tables(connector.config, lambda word: torch.ones(len(word), 8))
    assert connector.spoken(seen, tables).shape == (50, TOKENS, 8)
    first = len(connector.config.names)
    assert torch.equal(seen.words["name"][:, 0, first:], imagined.classes)


@pytest.mark.parametrize("seed", range(12))
def test_talk_about_them_follows_from_what_was_shown(trained, seed):
    imagined = imagine(trained[0], 200, 0)
    dialogue = imagined_dialogue(imagined, 1000, random.Random(seed))
    shown = {frame.pts_us: frame.facts.things[0].name for frame in dialogue.frames}
    assert all(
        imagined.names[frame.picture - 1000] == frame.facts.things[0].name for frame in dialogue.frames
    )
    times = sorted(shown)
    for turn in dialogue.turns:
        last = max((at for at in times if at <= turn.at_us), default=None)
        if turn.topic == "now":
            assert shown[last] in turn.replies[0].text
        for reply in turn.replies if turn.topic in ("alert", "narration") else ():
            assert reply.at_us > turn.at_us
            assert shown[reply.at_us] in reply.text
            earlier = [at for at in times if at < reply.at_us]
            assert not earlier or shown[earlier[-1]] != shown[reply.at_us]
    assert dialogue.end_us == times[-1] + US_PER_S
