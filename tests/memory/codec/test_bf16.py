import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.codec.bf16 import Bf16Codec

LEAST_NORMAL = 2.0**-126


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.floats(-(2.0**126), 2.0**126, width=32), min_size=8, max_size=8))
def test_a_number_is_off_by_at_most_what_is_said(new_block, numbers):
    x = torch.tensor(numbers).view(1, 1, 2, 4)
    back = Bf16Codec().decode(Bf16Codec().encode(new_block(x, -x)), torch.float32)
    bound = 2.0**-8 * x.abs().clamp_min(LEAST_NORMAL)
    assert ((back.keys - x).abs() <= bound).all()
    assert ((back.values + x).abs() <= bound).all()


def test_of_a_bfloat16_model_nothing_is_lost(random_block):
    block = random_block(dtype=torch.bfloat16)
    back = Bf16Codec().decode(Bf16Codec().encode(block), torch.bfloat16)
    assert torch.equal(back.keys, block.keys)
    assert torch.equal(back.values, block.values)
