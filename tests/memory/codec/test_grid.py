import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.codec.grid import LEAST_BASE, quantise, restore, steps, turn
from streams.errors import MemoryStoreError


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_number_is_off_by_at_most_half_a_step(blocks, data):
    x = data.draw(blocks)[0].float()
    grid = quantise(x, "keys")
    back = restore(grid.codes, grid.scales, grid.base)
    step = steps(grid.scales, grid.base)
    # One part in a million for the arithmetic itself.
    assert ((back - x).abs() <= (0.5 + 1e-4) * step).all()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_step_is_hardly_larger_than_it_need_be(blocks, data):
    x = data.draw(blocks)[0].float()
    grid = quantise(x, "keys")
    step = steps(grid.scales, grid.base).squeeze(-1)
    largest = x.abs().amax(-1)
    floor = grid.base.clamp_min(LEAST_BASE).view(-1, 1, 1) * 2.0 ** (-255 / 16)
    assert (step * 128 <= torch.maximum(largest, floor) * 2 ** (1 / 16) * (1 + 1e-4)).all()


def test_layers_do_not_know_of_each_other():
    torch.manual_seed(0)
    x = torch.randn(2, 2, 3, 8)
    alone = quantise(x[:1], "keys")
    x[1] *= 1e20
    both = quantise(x, "keys")
    assert torch.equal(both.codes[:1], alone.codes)
    assert torch.equal(both.base[:1], alone.base)


def test_numbers_too_large_to_be_turned_are_refused():
    with pytest.raises(MemoryStoreError, match="too large"):
        quantise(turn(torch.full((1, 1, 1, 64), 3e38)), "values")


@pytest.mark.parametrize("dim", [2, 6, 8, 64, 80, 96, 128])
def test_turning_twice_gives_the_same_and_keeps_lengths(dim):
    torch.manual_seed(0)
    x = torch.randn(3, 5, dim)
    turned = turn(x)
    assert torch.allclose(turn(turned), x, atol=1e-5)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-5)


@pytest.mark.parametrize(("dim", "run"), [(64, 64), (80, 16), (96, 32)])
def test_what_stands_out_is_spread(dim, run):
    x = torch.zeros(1, dim)
    x[0, 3] = 8.0
    turned = turn(x)
    assert torch.allclose(turned[0, :run].abs(), torch.full((run,), 8.0 / run**0.5))
    assert turned[0, run:].count_nonzero() == 0
