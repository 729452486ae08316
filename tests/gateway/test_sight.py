import pytest

from gateway.sight import choose_sight
from llm.sight import EMBEDDED
from streams.config import ModelsConfig
from streams.errors import ConfigError, ModelNotFoundError


@pytest.mark.parametrize("sight", ["auto", "embedded"])
def test_the_embedded_models_see_by_what_ships(sight):
    chosen = choose_sight(ModelsConfig(sight=sight))
    assert chosen is not None
    assert {file.parent for file in chosen.files} == {EMBEDDED}


def test_names_need_nothing():
    assert choose_sight(ModelsConfig(sight="names")) is None


@pytest.mark.parametrize("other", [{"llm": "some/model"}, {"vision": "some/encoder"}])
def test_other_models_are_told_names_or_see_by_themselves(other):
    assert choose_sight(ModelsConfig(**other)) is None


@pytest.mark.parametrize("other", [{"llm": "some/model"}, {"vision": "some/encoder"}])
def test_the_embedded_sight_is_refused_for_other_models(other):
    with pytest.raises(ConfigError, match=r"some/(model|encoder)") as refused:
        choose_sight(ModelsConfig(sight="embedded", **other))
    assert refused.value.param == "models.sight"


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match=str(tmp_path)):
        choose_sight(ModelsConfig(sight=str(tmp_path)))
