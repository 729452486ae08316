import pytest
import torch

from llm.linear import DenseLinear, Int8Linear


@pytest.fixture
def weight():
    return torch.randn(96, 64, generator=torch.Generator().manual_seed(0)).bfloat16()


@pytest.fixture
def x():
    return torch.randn(5, 64, generator=torch.Generator().manual_seed(1)).bfloat16()


def test_dense_is_the_plain_product(weight, x):
    bias = weight[:, 0].contiguous()
    torch.testing.assert_close(DenseLinear(weight, bias)(x), torch.nn.functional.linear(x, weight, bias))
    assert DenseLinear(weight).nbytes == 96 * 64 * 2


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_int8_is_off_by_no_more_than_half_a_step_of_each_weight(weight, x, rows, dtype):
    weight, x = weight.to(dtype), x[:rows].to(dtype)
    out = Int8Linear(weight)(x)
    assert out.dtype == dtype
    out = out.float()
    exact = x.float() @ weight.float().T
    step = weight.float().abs().amax(1) / 127
    # Rounding of weights, at most half a step each, then of scale, sum and result to bfloat16.
    bound = x.float().abs().sum(1, keepdim=True) * step / 2 + exact.abs() * 2**-7 + 1e-3
    assert (out - exact).abs().le(bound).all()
    assert not torch.equal(out, exact)


def test_int8_keeps_the_bias_and_halves_the_bytes(weight, x):
    bias = torch.full((96,), 3.0).bfloat16()
    torch.testing.assert_close(Int8Linear(weight, bias)(x), Int8Linear(weight)(x) + 3)
    assert Int8Linear(weight).nbytes == 96 * 64 + 96 * 2


def test_a_row_of_zeros_stays_zero(weight, x):
    weight[7] = 0
    out = Int8Linear(weight)(x)
    assert out.isfinite().all()
    assert (out[:, 7] == 0).all()
