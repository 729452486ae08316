from pathlib import Path

import pytest

from streams.errors import ConfigError
from streams.train.data import Data
from streams.train.device import check_device
from streams.train.dialogue.compose import make_dialogues
from streams.train.recipe import MIN_FRAMES, DataRecipe, Recipe, binding, load_recipe
from streams.train.sample import Facts, Thing


def test_what_is_left_out_has_its_default_and_flags_go_first(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('[living]\nsteps = 7\n[run]\nout = "there"\n', "utf-8")
    recipe = load_recipe(file, run_out="here", data_folder=None)
    assert recipe.living.steps == 7
    assert recipe.run.out == Path("here")
    assert recipe.data == Recipe().data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[living]\nstep = 7\n", "unknown setting 'living.step'"),
        ("[living]\nsteps = -1\n", "'living.steps'"),
        ('[run]\ndtype = "float8"\n', "'run.dtype'"),
        ("[data]\nframes = [22, 8]\n", r"'data\.frames': .*downwards"),
        ("[data]\nframes = [0, 0]\n", r"'data\.frames\.0'"),
        ("[living]\ninstructions = []\n", r"'living\.instructions'"),
        ("[seeing]\nwidth = 18\n", r"'seeing\.width'"),
        ("[living\n", "recipe.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    (tmp_path / "recipe.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=message):
        load_recipe(tmp_path / "recipe.toml")


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*none\.toml"):
        load_recipe(tmp_path / "none.toml")


def test_the_shortest_streams_can_be_made():
    facts = [Facts((Thing(f"thing {number}", "thing"),)) for number in range(40)]
    made = list(make_dialogues("train", facts, range(40), 60, frames=(MIN_FRAMES, MIN_FRAMES)))
    assert {len(dialogue.frames) for dialogue in made} == {MIN_FRAMES}


@pytest.mark.parametrize(("split", "setting"), [("train", "pictures"), ("validation", "validation_pictures")])
def test_too_few_pictures_for_a_stream_are_named(config, monkeypatch, split, setting):
    class Few:
        def __init__(self, material, count, seed):
            self.facts = [Facts((Thing(f"thing {number}", "thing"),)) for number in range(count)]
            self.shots = range(count)

        def __len__(self):
            return len(self.facts)

    monkeypatch.setattr("streams.train.data.gather", lambda split, installer: None)
    monkeypatch.setattr("streams.train.data.PicturePool", Few)
    data = Data(Recipe(data=DataRecipe(**{setting: 5})), None, config)
    with pytest.raises(ConfigError, match=rf"data\.{setting} = 5 makes no dialogues of up to 22") as told:
        data.split(split)
    assert told.value.param == f"data.{setting}"


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_named(name):
    check_device("cpu")
    check_device("auto")
    with pytest.raises(ConfigError, match=rf"run\.device = '{name}' cannot be computed on: \w") as told:
        check_device(name)
    assert told.value.param == "run.device"


def test_weights_hang_on_their_stages_and_not_on_where_they_are_made(tmp_path):
    file = tmp_path / "recipe.toml"

    def settings(text, *stages):
        file.write_text(text, "utf-8")
        return binding(load_recipe(file), *stages)

    plain = settings("", "seeing")
    moved = '[run]\nout = "x"\ncache = "y"\ndevice = "cuda"\nthreads = 3\n[seeing]\nsave_every = 7\n'
    assert settings(moved, "seeing") == plain
    assert settings("[living]\nrank = 3\n", "seeing") == plain
    assert settings("[living]\nrank = 3\n", "seeing", "living")["living.rank"] == 3
    assert settings("[living]\nworkers = 5\n", "living") == settings("", "living")
    for text in ("[data]\nseed = 1\n", "[seeing]\nrate = 1\n", '[run]\ndtype = "float32"\n'):
        assert settings(text, "seeing") != plain
