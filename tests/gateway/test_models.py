import importlib.util
import os
import re
from importlib.metadata import distribution

import pytest

from gateway.models import DEFAULT_MODELS, build_registry
from streams.config import ModelsConfig, load_config
from streams.errors import ConfigError
from streams.models.artifact import BundledModel, EmbeddedModel

EMBEDDED = [model for model in DEFAULT_MODELS.values() if isinstance(model, EmbeddedModel)]
BUNDLED = [model for model in DEFAULT_MODELS.values() if isinstance(model, BundledModel)]


@pytest.fixture(scope="module")
def registry():
    return build_registry(load_config(environ=os.environ).models)


def test_the_table_covers_every_role_of_the_configuration():
    # How the model sees ships with the code.
    roles = set(ModelsConfig.model_fields) - {"cache_dir", "index_url", "sight"}
    assert roles <= set(DEFAULT_MODELS)
    assert all(model.role == role for role, model in DEFAULT_MODELS.items())


@pytest.mark.parametrize("model", EMBEDDED, ids=lambda model: model.role)
def test_pins_are_well_formed(model):
    for source in model.sources:
        wheel = source.package
        project, version = wheel.filename.split("-")[:2]
        assert (project.replace("_", "-"), version) == (wheel.project, wheel.version)
        assert wheel.filename.endswith(".whl")
        assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)
        assert wheel.size_bytes > 0
        assert source.members


@pytest.mark.parametrize("model", [m for m in EMBEDDED if m.converter], ids=lambda model: model.role)
def test_converters_exist(model):
    module, _, function = model.converter.partition(":")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert f"def {function}(" in spec.loader.get_source(module)


@pytest.mark.parametrize("model", BUNDLED, ids=lambda model: model.role)
def test_bundled_models_are_installed(model):
    assert distribution(model.distribution).files


@pytest.mark.parametrize("role", [model.role for model in EMBEDDED])
def test_the_real_models_are_whole(registry, role):
    model = registry.resolve(role)
    assert model.kind == "embedded"
    assert registry.verify(role) == ()
    # What the table announces before a pull is about what the pull leaves on the disk.
    assert registry.status(role).size_bytes == pytest.approx(DEFAULT_MODELS[role].installed_bytes, rel=0.03)


def test_an_index_that_is_no_address_is_refused():
    with pytest.raises(ConfigError):
        build_registry(ModelsConfig(), environ={"PIP_INDEX_URL": "not an address"})
