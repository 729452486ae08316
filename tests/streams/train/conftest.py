"""The material of each split, fetched once; the tiny language models of the engine's tests."""

import pytest

from streams.train.pictures.material import build_installer, gather
from tests.llm.conftest import chat, checkpoints, embedded, new_stream
from tests.silent_progress import SilentProgress

__all__ = ["chat", "checkpoints", "embedded", "new_stream"]


@pytest.fixture(scope="session")
def installer(config):
    return build_installer(config.models, progress=SilentProgress())


@pytest.fixture(scope="session")
def materials(installer):
    return {split: gather(split, installer) for split in ("train", "validation", "test")}
