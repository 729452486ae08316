import logging

import pytest
import torch

from memory.block import Block, BlockInfo
from memory.host import MemoryHost
from memory.shape import MemoryShape
from memory.store.identity import Fingerprint
from streams.config import MemoryConfig
from streams.types import US_PER_S, BlockKind

LAYERS, HEADS, WIDTH = 2, 2, 4
FINGERPRINT = Fingerprint("tiny", "weights", "tokenizer", LAYERS, HEADS, WIDTH)


@pytest.fixture(scope="session")
def make_block():
    """A block by id, a second after the one before; its tensors are random, the same for the same id."""

    def make(
        block_id, *, tokens=3, kind=BlockKind.FRAME, text=None, at_s=None, dtype=torch.float32, info=None
    ):
        generator = torch.Generator().manual_seed(block_id)
        at_us = (block_id if at_s is None else at_s) * US_PER_S
        info = info or BlockInfo(block_id, kind, at_us, at_us + US_PER_S, text or f"thing {block_id}", tokens)
        shape = (LAYERS, HEADS, info.tokens, WIDTH)
        keys, values = (torch.randn(shape, generator=generator).to(dtype) for _ in range(2))
        digest = torch.randn((LAYERS, min(info.tokens, 2), HEADS * WIDTH), generator=generator).half()
        return Block(info, keys, values, digest)

    return make


@pytest.fixture(scope="session")
def assert_same():
    def check(block, other):
        assert block.info == other.info
        for name in ("keys", "values", "digest"):
            mine, theirs = getattr(block, name), getattr(other, name)
            assert mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs), name

    return check


@pytest.fixture(scope="session")
def fingerprint():
    return FINGERPRINT


@pytest.fixture(scope="session")
def shape():
    """Of the blocks that ``make_block`` makes."""
    return MemoryShape(FINGERPRINT, LAYERS, HEADS * WIDTH, torch.float32, torch.device("cpu"))


@pytest.fixture
def open_host(shape):
    """A host by settings; in the end every memory of it is checked and closed."""
    hosts = []

    def open_one(**settings):
        hosts.append(MemoryHost(MemoryConfig(**{"policy": "representatives"} | settings), shape))
        return hosts[-1]

    yield open_one
    for host in hosts:
        host.check_integrity()
        host.close()


@pytest.fixture
def logged(caplog, monkeypatch):
    """What is logged, also after another test has configured logging."""
    monkeypatch.setattr(logging.getLogger("streams"), "propagate", True)
    caplog.set_level(logging.INFO, logger="streams")
    return lambda: caplog.records
