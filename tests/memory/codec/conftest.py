import pytest
import torch
from hypothesis import strategies as st

from memory.block import Block, BlockInfo
from streams.types import BlockKind

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Blocks here are so small that threads waiting for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def new_block():
    """A block of given keys and values, [layers, heads, tokens, dim] each."""

    def new(keys, values, embedding=None):
        info = BlockInfo(7, BlockKind.FRAME, 1, 2, "a cat", keys.shape[2], offset=9)
        digest = torch.arange(8, dtype=torch.float16).view(1, 2, 4)
        return Block(info, keys, values, digest, embedding)

    return new


@pytest.fixture(scope="session", params=DEVICES)
def random_block(request, new_block):
    """A block as of a model: keys share an offset a channel, and some tokens stand out."""

    def make(layers=3, heads=2, tokens=18, dim=16, dtype=torch.float32, seed=0):
        generator = torch.Generator().manual_seed(seed)
        shape = layers, heads, tokens, dim
        keys, values = (torch.randn(shape, generator=generator) for _ in range(2))
        keys += 4 * torch.randn((layers, heads, 1, dim), generator=generator)
        keys[:, :, 0] *= 3
        moved = (tensor.to(request.param, dtype) for tensor in (keys, values))
        return new_block(*moved, embedding=torch.ones(5, dtype=torch.float16))

    return make


@pytest.fixture(scope="session")
def rounding():
    """What float32 itself may lose of turning vectors [layers, heads, tokens, dim]: [layers, 1, 1, 1]."""

    def of(x):
        longest = x.double().norm(dim=-1).amax((1, 2)).view(-1, 1, 1, 1)
        # Products may take numbers below the least normal one for zero.
        return 1e-5 * longest + x.shape[-1] * 2.0**-126

    return of


@pytest.fixture(scope="session")
def blocks():
    """Keys and values in which hostile numbers are common: a Hypothesis strategy."""
    sizes = st.tuples(
        st.integers(1, 3), st.integers(1, 3), st.integers(1, 40), st.sampled_from([2, 6, 8, 12, 64])
    )

    @st.composite
    def draw(pick):
        shape = pick(sizes)
        generator = torch.Generator().manual_seed(pick(st.integers(0, 2**16)))
        made = []
        for _ in range(2):
            x = torch.randn(shape, generator=generator) * 2.0 ** pick(st.integers(-130, 60))
            for axis in range(4):
                # Whole layers, heads, tokens and channels that are far larger, far smaller, or nothing.
                factor = pick(st.sampled_from([0.0, 1.0, 1.0, 2.0**-20, 2.0**12, -1.0]))
                x.select(axis, pick(st.integers(0, shape[axis] - 1))).mul_(factor)
            if pick(st.booleans()):
                x = x.bfloat16()
            made.append(x)
        return tuple(x.to(made[0].dtype) for x in made)

    return draw()
