"""What holds of every codec."""

from dataclasses import replace

import pytest
import torch

from memory.codec.codecs import CODECS
from streams.errors import MemoryStoreError

SMALLER = ["bf16", "int8", "int4"]
QUANTISED = ["int8", "int4"]


@pytest.fixture(params=CODECS)
def codec(request):
    return CODECS[request.param]


def mapped(encoded, **changes):
    """``encoded`` with some tensors changed by functions."""
    tensors = {name: changes.get(name, lambda x: x)(tensor) for name, tensor in encoded.tensors.items()}
    return replace(encoded, tensors=tensors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_block_comes_back_with_all_that_is_not_keys_and_values_as_it_was(codec, random_block, dtype):
    block = random_block(dtype=dtype)
    encoded = codec.encode(block)
    assert encoded.codec == codec.name
    assert encoded.info is block.info
    assert encoded.digest is block.digest
    assert encoded.embedding is block.embedding
    for wanted in (torch.float32, torch.bfloat16):
        back = codec.decode(encoded, wanted)
        assert back.info is block.info
        assert back.digest is block.digest
        assert back.embedding is block.embedding
        for name in ("keys", "values"):
            before, after = getattr(block, name), getattr(back, name)
            assert after.dtype == wanted
            assert (after.shape, after.device) == (before.shape, before.device)
            error = (after.float() - before.float()).norm() / before.float().norm()
            assert error < (0.12 if codec.name == "int4" else 0.01)


def test_decoding_leaves_what_was_encoded_as_it_was(codec, random_block):
    encoded = codec.encode(random_block())
    copies = {name: tensor.clone() for name, tensor in encoded.tensors.items()}
    first, second = (codec.decode(encoded, torch.float32) for _ in range(2))
    assert torch.equal(first.keys, second.keys)
    assert all(torch.equal(copies[name], tensor) for name, tensor in encoded.tensors.items())


@pytest.mark.parametrize("name", SMALLER)
def test_what_is_kept_does_not_hang_on_the_block(random_block, name):
    block = random_block(dtype=torch.bfloat16)
    encoded = CODECS[name].encode(block)
    before = CODECS[name].decode(encoded, torch.float32)
    keys, values = before.keys.clone(), before.values.clone()
    block.keys.zero_()
    block.values.zero_()
    after = CODECS[name].decode(encoded, torch.float32)
    assert torch.equal(after.keys, keys)
    assert torch.equal(after.values, values)


def test_a_block_does_not_hang_on_how_its_tensors_lie_in_memory(codec, random_block, new_block):
    block = random_block()
    strided = new_block(*(x.transpose(1, 2).contiguous().transpose(1, 2) for x in (block.keys, block.values)))
    assert not strided.keys.is_contiguous()
    there = codec.decode(codec.encode(strided), torch.float32)
    here = codec.decode(codec.encode(block), torch.float32)
    assert torch.allclose(there.keys, here.keys, atol=1e-6)
    assert torch.allclose(there.values, here.values, atol=1e-6)


def test_no_tensor_is_empty_however_short_a_block_is(codec, random_block):
    """Empty ones cannot be read back out of a file by every means."""
    encoded = codec.encode(random_block(heads=1, tokens=1))
    assert all(tensor.numel() for tensor in encoded.tensors.values())
    assert codec.decode(encoded, torch.float32).tokens == 1


def test_zeros_stay_zeros(codec, new_block):
    zeros = torch.zeros(2, 2, 5, 8)
    back = codec.decode(codec.encode(new_block(zeros, zeros)), torch.float32)
    assert torch.equal(back.keys, zeros)
    assert torch.equal(back.values, zeros)


@pytest.mark.parametrize("name", QUANTISED)
@pytest.mark.parametrize("which", ["keys", "values"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_cannot_be_kept_are_refused(random_block, name, which, number):
    block = random_block()
    getattr(block, which)[1, 0, 3, 2] = number
    with pytest.raises(MemoryStoreError, match=f"^{which} are not finite") as caught:
        CODECS[name].encode(block)
    assert caught.value.param == which


@pytest.mark.parametrize("name", ["exact", "bf16"])
def test_numbers_that_are_not_finite_are_kept_where_they_can_be(random_block, name):
    block = random_block()
    for i, number in enumerate((float("nan"), float("inf"), -float("inf"))):
        block.keys[0, 0, 0, i] = block.values[0, 0, 0, i] = number
    back = CODECS[name].decode(CODECS[name].encode(block), torch.float32)
    for kept in (back.keys, back.values):
        assert kept[0, 0, 0, 0].isnan()
        assert kept[0, 0, 0, 1:3].tolist() == [float("inf"), -float("inf")]
        assert kept.isfinite().sum() == kept.numel() - 3


def test_every_tensor_has_to_be_there_and_no_other(codec, random_block):
    encoded = codec.encode(random_block())
    for name in encoded.tensors:
        fewer = {other: tensor for other, tensor in encoded.tensors.items() if other != name}
        with pytest.raises(MemoryStoreError, match="has tensors"):
            codec.decode(replace(encoded, tensors=fewer), torch.float32)
    more = {**encoded.tensors, "spare": encoded.digest}
    with pytest.raises(MemoryStoreError, match="spare"):
        codec.decode(replace(encoded, tensors=more), torch.float32)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[:-1],
        lambda x: x[..., :-1],
        lambda x: x[None],
        lambda x: x.flatten()[0],
        lambda x: x[:0],
        lambda x: x.double() if x.is_floating_point() else x.float(),
        lambda x: x.short(),
        lambda x: x.to("meta"),
    ],
    ids=["layer", "last", "axis", "scalar", "empty", "type", "short", "device"],
)
def test_every_tensor_has_to_be_of_its_shape_and_type(codec, random_block, change):
    encoded = codec.encode(random_block())
    for name in encoded.tensors:
        with pytest.raises(MemoryStoreError) as caught:
            codec.decode(mapped(encoded, **{name: change}), torch.float32)
        assert caught.value.param in encoded.tensors


def test_the_tokens_have_to_be_those_of_the_description(codec, random_block):
    encoded = codec.encode(random_block())
    with pytest.raises(MemoryStoreError, match="of 17 tokens"):
        codec.decode(replace(encoded, info=replace(encoded.info, tokens=17)), torch.float32)


@pytest.mark.parametrize("name", QUANTISED)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_a_size_has_to_be_one(random_block, name, number):
    encoded = CODECS[name].encode(random_block())
    spoilt = mapped(encoded, bases=lambda x: torch.full_like(x, number))
    with pytest.raises(MemoryStoreError, match="finite sizes"):
        CODECS[name].decode(spoilt, torch.float32)


@pytest.mark.parametrize(("name", "ratio"), [("bf16", 1.0), ("int8", 0.52), ("int4", 0.275)])
def test_a_frame_of_the_embedded_model_takes_as_little_as_said(random_block, name, ratio):
    block = random_block(layers=30, heads=3, tokens=18, dim=64, dtype=torch.bfloat16)
    kept = CODECS[name].encode(block).kv_bytes
    assert kept <= ratio * (block.keys.nbytes + block.values.nbytes)
