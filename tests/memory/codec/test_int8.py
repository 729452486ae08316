from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.codec.grid import steps, turn
from memory.codec.int8 import Int8Codec
from streams.errors import MemoryStoreError


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_numbers_and_vectors_are_off_by_at_most_what_is_said(new_block, blocks, rounding, data):
    keys, values = data.draw(blocks)
    encoded = Int8Codec().encode(new_block(keys, values))
    back = Int8Codec().decode(encoded, torch.float32)
    bases = encoded.tensors["bases"]
    for name, base, before, after in (
        ("key_scales", bases[0], keys, back.keys),
        ("value_scales", bases[2], values, back.values),
    ):
        step = steps(encoded.tensors[name], base)
        slack = rounding(before)
        assert ((turn(before) - turn(after)).abs() <= step / 2 + slack).all()
        length = (before.double() - after).norm(dim=-1, keepdim=True)
        assert (length <= before.shape[-1] ** 0.5 * (step / 2 + slack)).all()


def test_what_all_keys_of_a_block_share_costs_no_precision(random_block, new_block):
    """As of a model whose keys have a bias: channels with the same large number in every token."""
    block = random_block(layers=1, heads=1, dim=64)
    bias = torch.zeros(64, device=block.keys.device)
    bias[[5, 17]] = 100.0
    shifted = new_block(block.keys + bias, block.values)
    plain, moved = (
        Int8Codec().decode(Int8Codec().encode(each), torch.float32).keys - each.keys
        for each in (block, shifted)
    )
    assert moved.norm() < 2 * plain.norm()


def test_an_odd_number_of_channels_is_refused(random_block):
    encoded = Int8Codec().encode(random_block())
    odd = {name: encoded.tensors[name][..., :-1] for name in ("keys", "values")}
    centre = encoded.tensors["centre"][..., :-1]
    with pytest.raises(MemoryStoreError, match="keys of block"):
        Int8Codec().decode(
            replace(encoded, tensors={**encoded.tensors, **odd, "centre": centre}), torch.float32
        )
