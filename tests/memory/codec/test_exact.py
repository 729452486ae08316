import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.codec.exact import ExactCodec
from streams.errors import MemoryStoreError


@settings(max_examples=50, deadline=None)
@given(bits=st.binary(min_size=2 * 2 * 3 * 4, max_size=2 * 2 * 3 * 4), wide=st.booleans())
def test_any_bits_come_back(new_block, bits, wide):
    dtype, integer = (torch.float32, torch.int32) if wide else (torch.bfloat16, torch.int16)
    raw = torch.frombuffer(bytearray(bits), dtype=dtype).view(1, 2, -1, 2)
    back = ExactCodec().decode(ExactCodec().encode(new_block(raw, raw.flip(0))), dtype)
    assert back.keys.dtype == dtype
    assert torch.equal(back.keys.view(integer), raw.view(integer))
    assert torch.equal(back.values.view(integer), raw.flip(0).view(integer))


def test_numbers_that_no_model_has_are_refused(new_block):
    whole = torch.ones(1, 1, 2, 4, dtype=torch.int32)
    with pytest.raises(MemoryStoreError, match=r"torch\.int32"):
        ExactCodec().decode(ExactCodec().encode(new_block(whole, whole)), torch.float32)
