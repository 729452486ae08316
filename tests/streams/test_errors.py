import re

import pytest

from streams import errors
from streams.errors import (
    ConfigError,
    InvalidRequestError,
    KeptSessionError,
    MediaError,
    MemoryStoreError,
    OverloadError,
    StreamsError,
    asked_wrongly,
)


def every_class(root=StreamsError):
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_class(child)


def drawn_tree():
    """Class → parent, as drawn at the top of the module."""
    parents, path = {}, []
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│├└─ ]*)(\w+)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        del path[depth:]
        parents[match[2]] = path[-1] if path else None
        path.append(match[2])
    return parents


def test_the_tree_that_is_drawn_is_the_tree_there_is():
    there = {kind.__name__: kind.__base__.__name__ for kind in every_class()}
    there["StreamsError"] = None
    assert drawn_tree() == there


def test_every_kind_has_a_code_of_its_own():
    codes = [kind.code for kind in every_class()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("kind", list(every_class()), ids=lambda kind: kind.__name__)
def test_an_error_carries_its_message_its_field_and_its_code(kind):
    error = kind("too loud", param="audio")
    assert (error.message, str(error), error.param, error.code) == (
        "too loud",
        "too loud",
        "audio",
        kind.code,
    )
    assert kind("x").param is None
    special = kind("x", code="clipped")
    assert special.code == "clipped"
    assert kind.code != "clipped"


@pytest.mark.parametrize("kind", [InvalidRequestError, MediaError, ConfigError, KeptSessionError])
def test_what_was_asked_wrongly_fails_again_when_it_is_asked_again(kind):
    assert asked_wrongly(kind("x"))


@pytest.mark.parametrize("kind", [StreamsError, MemoryStoreError, OverloadError, KeyError])
def test_what_failed_otherwise_may_be_asked_again_whatever_field_it_names(kind):
    assert not asked_wrongly(kind("x") if kind is KeyError else kind("x", param="session"))
