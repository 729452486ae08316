"""Fixtures for every room: the embedded models, pulled once, and the service on them."""

import logging
import os
from pathlib import Path

# Before anything loads OpenMP: its threads sleep between two pieces of work instead of spinning. Tests keep
# the models of several threads busy at once, and beside other work spinning took three quarters of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import settings

from gateway.assembly import Streams
from gateway.models import build_registry
from streams.config import load_config
from streams.log import ROOT
from streams.models.registry import Registry

settings.register_profile("streams", deadline=None)
settings.load_profile("streams")


def pytest_addoption(parser):
    parser.addoption("--screenshots", type=Path, metavar="DIR", help="write pictures of the page into DIR")


@pytest.fixture(autouse=True)
def logging_as_before():
    """A command line configures logging; the next test finds it as it was."""
    root = logging.getLogger(ROOT)
    handlers, level, propagate = root.handlers[:], root.level, root.propagate
    yield
    root.handlers[:], root.propagate = handlers, propagate
    root.setLevel(level)


@pytest.fixture(scope="session")
def models() -> Registry:
    return build_registry(load_config(environ=os.environ).models)


@pytest.fixture(scope="session")
def config():
    return load_config(environ=os.environ)


@pytest.fixture(scope="session")
def streams(config):
    """The service on the embedded models, live (wall clock), on a free port.

    Its language model is told names and is as it was published: tests of the service do not hang on how
    the shipped sight was trained, which has tests of its own.
    """
    server = config.server.model_copy(update={"port": 0})
    models = config.models.model_copy(update={"sight": "names"})
    service = Streams.load(config.model_copy(update={"server": server, "models": models}))
    yield service
    service.close()
