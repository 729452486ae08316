import pytest
import torch

from memory.block import BlockInfo
from memory.codec.codec import EncodedBlock
from memory.store.identity import Fingerprint, SessionKey
from memory.store.store import MemoryStore
from streams.types import US_PER_S, BlockKind


@pytest.fixture(scope="session")
def key():
    return SessionKey("acme", "door.cam-1")


@pytest.fixture(scope="session")
def fingerprint():
    return Fingerprint("tiny-llama", "a" * 64, "b" * 64, 2, 2, 4)


@pytest.fixture(scope="session")
def make_encoded():
    """An encoded block by id and version; its tensors are random, the same for the same two."""

    def make(block_id, version=0, *, tokens=3, text=None, embedding=False):
        generator = torch.Generator().manual_seed(block_id * 1_000 + version)
        start_us = block_id * US_PER_S
        text = f"thing {block_id}.{version}" if text is None else text
        info = BlockInfo(block_id, BlockKind.FRAME, start_us, start_us + US_PER_S, text, tokens, block_id * 3)
        tensors = {
            "keys": torch.randn((2, 2, tokens, 4), generator=generator).bfloat16(),
            "scale": torch.randn((2, tokens), generator=generator),
        }
        digest = torch.randn((2, 2, 8), generator=generator).half()
        extra = torch.randn(6, generator=generator).half() if embedding else None
        return EncodedBlock(info, "int8", tensors, digest, extra)

    return make


@pytest.fixture(scope="session")
def assert_same():
    """That two encoded blocks are equal bit for bit."""

    def check(mine, theirs):
        assert (mine.info, mine.codec) == (theirs.info, theirs.codec)
        assert mine.tensors.keys() == theirs.tensors.keys()
        pairs = [(mine.tensors[name], theirs.tensors[name]) for name in mine.tensors]
        pairs.append((mine.digest, theirs.digest))
        assert (mine.embedding is None) == (theirs.embedding is None)
        if mine.embedding is not None:
            pairs.append((mine.embedding, theirs.embedding))
        for one, other in pairs:
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            assert torch.equal(one, other), f"block {mine.id} is not what was written"

    return check


@pytest.fixture
def bench(tmp_path, key, fingerprint):
    bench = Bench(tmp_path / "store", key, fingerprint)
    yield bench
    bench.store.close()


class Bench:
    """One session of a store with small segments, with sight of its files."""

    def __init__(self, root, key, fingerprint):
        self.root, self.key, self.fingerprint = root, key, fingerprint
        self.folder = root / key.tenant / key.name
        self.open()

    def open(self):
        self.store = MemoryStore(self.root, segment_bytes=4_000, sync=False)
        self.session = self.store.open(self.key, self.fingerprint)
        return self.session

    def reopen(self, between=None):
        """Close everything, change what lies on disk with ``between``, and open it again."""
        self.store.close()
        if between is not None:
            between()
        return self.open()

    def files(self, stream="*"):
        return sorted(file.name for file in self.folder.glob(f"{stream}-*.seg"))

    def lose_catalog(self):
        for file in self.root.glob("catalog.sqlite*"):
            file.unlink()

    def ids(self):
        return [info.id for info in self.session.infos()]
