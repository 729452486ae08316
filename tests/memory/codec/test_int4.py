import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.codec.grid import steps, turn
from memory.codec.int4 import Int4Codec
from streams.errors import MemoryStoreError


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_numbers_and_vectors_are_off_by_at_most_what_is_said(new_block, blocks, rounding, data):
    keys, values = data.draw(blocks)
    encoded = Int4Codec().encode(new_block(keys, values))
    back = Int4Codec().decode(encoded, torch.float32)
    bases, salient = encoded.tensors["bases"], encoded.tensors["salient"].long()
    layers, heads, tokens, dim = keys.shape
    fine = steps(encoded.tensors["key_scales"], bases[0])
    # A salient key is on the fine grid, any other vector on that of 16 steps.
    coarse = 16 * fine.view(layers, heads * tokens)
    key_steps = coarse.scatter(1, salient, coarse.gather(1, salient) / 16).view_as(fine)
    value_steps = 16 * steps(encoded.tensors["value_scales"], bases[2])
    for step, before, after in ((key_steps, keys, back.keys), (value_steps, values, back.values)):
        slack = rounding(before)
        assert ((turn(before) - turn(after)).abs() <= step / 2 + slack).all()
        length = (before.double() - after).norm(dim=-1, keepdim=True)
        assert (length <= dim**0.5 * (step / 2 + slack)).all()


def test_keys_that_stand_out_are_kept_finer(random_block):
    block = random_block(layers=2, heads=2, tokens=16, dim=64)
    block.keys[:, 1, 5] += 40 * torch.randn(2, 64, device=block.keys.device)
    encoded = Int4Codec().encode(block)
    salient = encoded.tensors["salient"]
    assert salient.shape == (2, 2)
    assert all(16 + 5 in row for row in salient.tolist())
    error = (Int4Codec().decode(encoded, torch.float32).keys - block.keys).norm(dim=-1)
    relative = error / block.keys.norm(dim=-1)
    assert relative[:, 1, 5].max() < 0.01
    assert relative[:, 0, 6:].min() > 0.01


@pytest.mark.parametrize("place", [-1, 36, 2**31 - 1, -(2**31)])
def test_a_salient_key_has_to_be_one_of_the_block(random_block, place):
    encoded = Int4Codec().encode(random_block())
    encoded.tensors["salient"][1, 0] = place
    with pytest.raises(MemoryStoreError, match="36 keys") as caught:
        Int4Codec().decode(encoded, torch.float32)
    assert caught.value.param == "salient"
