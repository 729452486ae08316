import torch

from memory.codec.nibbles import pack_lower, pack_upper, unpack


def test_both_halves_of_every_code_come_back():
    codes = torch.arange(-128, 128, dtype=torch.int8).view(2, 8, 16)
    upper, lower = pack_upper(codes), pack_lower(codes)
    assert upper.dtype == lower.dtype == torch.uint8
    assert upper.shape == lower.shape == (2, 8, 8)
    assert torch.equal(unpack(upper) + unpack(lower) / 16, (codes.float() + 0.5) / 16)
