from types import SimpleNamespace

import pytest

from llm.sinks import SINKS_BYTES, SINKS_KEPT, SinksCache
from llm.steps import run


class Reader:
    """Reads instructions into blocks as large as they say."""

    def __init__(self):
        self.read = []

    def __call__(self, instructions, tools):
        yield
        self.read.append(instructions)
        return SimpleNamespace(nbytes=int(instructions.partition(" ")[0]))


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def get(reader):
    cache = SinksCache(reader)

    def get(instructions):
        block = run(cache.get(instructions, ()))
        assert block.nbytes == int(instructions.partition(" ")[0])
        return block

    get.cache = cache
    return get


def test_what_was_read_is_not_read_again(get, reader):
    assert get("5 a") is get("5 a")
    assert reader.read == ["5 a"]


def test_the_least_recently_used_leaves(get, reader):
    for number in range(SINKS_KEPT):
        get(f"1 {number}")
    get("1 0")
    get("1 new")
    get("1 0")
    assert reader.read.count("1 0") == 1
    get("1 1")
    assert reader.read.count("1 1") == 2


def test_large_ones_leave_sooner_but_not_the_one_that_is_used(get, reader):
    half = SINKS_BYTES // 2
    for name in "abc":
        get(f"{half} {name}")
        assert get.cache.nbytes <= SINKS_BYTES
    assert len(reader.read) == 3
    get(f"{half} c")
    get(f"{half} b")
    assert len(reader.read) == 3
    get(f"{SINKS_BYTES + 1} huge")
    assert get.cache.nbytes == SINKS_BYTES + 1
    get(f"{SINKS_BYTES + 1} huge")
    assert len(reader.read) == 4
    get("1 small")
    assert get.cache.nbytes == 1
