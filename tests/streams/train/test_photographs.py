import numpy as np
import PIL.Image
import pytest

from gateway.models import SAMPLE
from streams.errors import DownloadError
from streams.train.data import Data
from streams.train.photographs import LONGEST_PX, PhotographCrops
from streams.train.pictures.photographs import find_unnamed
from streams.train.recipe import DataRecipe, Recipe, RunRecipe


class Encoder:
    """A number for each picture: its mean."""

    name = "mean"

    def features(self, images):
        return np.stack([np.full((2, 3), image.mean(), np.float32) for image in images])


@pytest.fixture
def recipe(tmp_path):
    return Recipe(data=DataRecipe(photograph_crops=2), run=RunRecipe(cache=tmp_path / "features"))


@pytest.fixture
def unreachable(config, tmp_path, monkeypatch):
    """The configuration where no package is at hand, nor where it is to be had."""
    for name in ("PIP_INDEX_URL", "npm_config_registry", "DEBIAN_ARCHIVE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr("streams.models.download.time.sleep", lambda seconds: None)
    models = config.models.model_copy(
        update={"cache_dir": tmp_path / "models", "index_url": "http://127.0.0.1:9"}
    )
    return config.model_copy(update={"models": models})


def test_crops_are_parts_of_their_photograph_and_always_the_same(tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        pixels = rng.integers(level - 30, level + 30, (300, 900, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    files = sorted(tmp_path.glob("*.png"))
    crops = PhotographCrops(files, 5, seed=3)
    drawn = [crops.draw(number) for number in range(len(crops))]
    assert len(drawn) == len(crops.facts) == 10
    assert all(not facts.things and not facts.text for facts in crops.facts)
    assert all(crop.dtype == np.uint8 and max(crop.shape) <= LONGEST_PX for crop in drawn)
    assert max(crop.mean() for crop in drawn[:5]) < min(crop.mean() for crop in drawn[5:])
    assert len({crop.tobytes() for crop in drawn}) == 10
    assert np.array_equal(PhotographCrops(files, 5, seed=3).draw(7), drawn[7])
    assert not np.array_equal(PhotographCrops(files, 5, seed=4).draw(7), drawn[7])


def test_the_gate_learns_from_photographs_that_nothing_else_shows(config, installer, recipe):
    shown = {member.rpartition("/")[2] for source in SAMPLE.sources for member in source.members}
    data = Data(recipe, Encoder(), config)
    for split in ("train", "validation"):
        files = find_unnamed(split, installer)
        assert not {file.name for file in files} & shown
        features = data.photographs(split)
        assert features.shape == (2 * len(files), 2, 3)
        means = [PhotographCrops(files, 2, seed=0).draw(number).mean() for number in range(3)]
        assert features[:3, 0, 0] == pytest.approx(means, rel=1e-3)
        assert np.array_equal(data.photographs(split), features)


def test_without_packages_own_data_are_trained_on_without_photographs(unreachable, recipe, tmp_path):
    own = recipe.model_copy(update={"data": DataRecipe(folder=tmp_path)})
    assert not len(Data(own, Encoder(), unreachable).photographs("train"))
    with pytest.raises(DownloadError):
        Data(recipe, Encoder(), unreachable).photographs("train")
    none = recipe.model_copy(update={"data": DataRecipe(photograph_crops=0)})
    assert not len(Data(none, Encoder(), unreachable).photographs("train"))
