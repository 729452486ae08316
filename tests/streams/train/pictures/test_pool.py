import numpy as np
import pytest

from streams.train.pictures.fonts import FONTS
from streams.train.pictures.pool import PicturePool
from streams.train.pictures.scene import HEIGHT, WIDTH
from streams.train.pictures.vocabulary import COLOURS, NOUNS

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def pools(materials):
    return {split: PicturePool(materials[split], 1500) for split in SPLITS}


def test_the_same_number_is_the_same_picture_in_any_order(materials):
    first = PicturePool(materials["train"], 30)
    forth = [first.draw(number) for number in range(30)]
    pool = PicturePool(materials["train"], 40)
    back = [pool.draw(number) for number in reversed(range(30))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forth, back, strict=True))
    assert forth[0].shape == (HEIGHT, WIDTH, 3)
    assert forth[0].dtype == np.uint8


def test_seeds_and_splits_differ(materials):
    assert PicturePool(materials["train"], 50).facts != PicturePool(materials["train"], 50, seed=1).facts
    prints = [PicturePool(materials["train"], 50, seed=seed).fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
    assert PicturePool(materials["train"], 50).facts != PicturePool(materials["test"], 50).facts


def test_splits_share_no_style_and_no_font(materials):
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not set(materials[one].styles) & set(materials[other].styles)
        fonts = [{source.package.project for source in FONTS[split].sources} for split in (one, other)]
        assert not fonts[0] & fonts[1]
    for split in SPLITS:
        assert {style.monochrome for style in materials[split].styles.values()} == {False, True}


@pytest.mark.parametrize("split", SPLITS)
def test_facts_are_of_the_vocabulary_and_shots_follow_one_another(pools, split):
    pool = pools[split]
    for facts in pool.facts:
        for thing in facts.things:
            noun = NOUNS[thing.name]
            assert thing.parent == noun.parent
            assert thing.colour is None or thing.colour in COLOURS
            assert thing.count == 1 or not noun.mass
        assert facts.things or facts.text
        assert len({thing.name for thing in facts.things}) == len(facts.things)
    assert all(later - earlier in (0, 1) for earlier, later in zip(pool.shots, pool.shots[1:], strict=False))


def test_all_that_is_asked_about_comes_up(pools):
    for pool in pools.values():
        things = [thing for facts in pool.facts for thing in facts.things]
        assert {thing.count for thing in things} == {1, 2, 3, 4, 5}
        assert {thing.colour for thing in things} >= set(COLOURS)
        assert {thing.place for thing in things} == {"left", "right", "top", "bottom", "middle", ""}
        assert {facts.motion for facts in pool.facts} == {"", "left", "right", "up", "down"}
        assert any(facts.text for facts in pool.facts)


def test_a_thing_that_moves_is_drawn_where_it_has_moved_to(pools, materials):
    """The middle of what changed between two pictures moves on the way that the facts tell."""
    pool = pools["train"]
    checked = 0
    for number in range(2, 600):
        way = pool.facts[number].motion
        if not way or pool.shots[number - 2] != pool.shots[number]:
            continue
        first, middle, last = (pool.draw(n).astype(int).sum(2) for n in (number - 2, number - 1, number))
        gone = np.argwhere((abs(first - middle) > 150) & (abs(first - last) > 150))
        come = np.argwhere((abs(last - first) > 150) & (abs(last - middle) > 150))
        if not len(gone) or not len(come):
            continue
        down, across = come.mean(0) - gone.mean(0)
        seen = (
            ("right" if across > 0 else "left") if abs(across) > abs(down) else "down" if down > 0 else "up"
        )
        assert seen == way
        checked += 1
    assert checked > 5


def test_real_things_and_photographs_are_among_those_to_train_on_only(materials):
    train = materials["train"]
    assert any(style.photographed for style in train.styles.values())
    assert len(train.views) > train.landscapes > 0
    for split in ("validation", "test"):
        assert not materials[split].views
        assert not any(style.photographed for style in materials[split].styles.values())
    pool = PicturePool(train, 2000)
    whole = [f for f in pool.facts if f.background == "photograph" and f.things and not f.things[0].place]
    assert len(whole) > 20


def test_a_style_that_is_photographed_has_several_drawings_of_a_thing(materials):
    train = materials["train"]
    assert train.things["tuxpaint-stamps"]["fish"] == 7
    one, other = (train.drawing("tuxpaint-stamps", "fish", variant) for variant in (0, 6))
    assert one.tobytes() != other.tobytes()
