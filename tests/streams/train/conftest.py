"""The material of each split, fetched once."""

import pytest

from streams.models.progress import SilentProgress
from streams.train.pictures.material import build_installer, gather


@pytest.fixture(scope="session")
def installer(config):
    return build_installer(config.models, progress=SilentProgress())


@pytest.fixture(scope="session")
def materials(installer):
    return {split: gather(split, installer) for split in ("train", "validation", "test")}
