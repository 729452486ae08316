from pathlib import Path

import pytest

from streams.errors import ConfigError
from streams.train.recipe import Recipe, binding, load_recipe


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
