from dataclasses import replace
from typing import get_args

import pytest
import torch

from memory.codec.codecs import CODECS, decode, encode
from streams.config import MemoryConfig
from streams.errors import MemoryStoreError


def test_there_is_a_codec_for_every_name_that_can_be_configured():
    assert set(CODECS) == set(get_args(MemoryConfig.model_fields["codec"].annotation))
    assert all(codec.name == name for name, codec in CODECS.items())
    assert [name for name, codec in CODECS.items() if codec.lossless] == ["exact"]


@pytest.mark.parametrize("name", CODECS)
def test_a_block_is_decoded_by_the_codec_that_wrote_it(random_block, name):
    encoded = CODECS[name].encode(random_block())
    expected = CODECS[name].decode(encoded, torch.float32)
    assert torch.equal(decode(encoded, torch.float32).keys, expected.keys)


@pytest.mark.parametrize("name", ["int2", "", "EXACT"])
def test_an_unknown_codec_is_named(random_block, name):
    encoded = replace(CODECS["exact"].encode(random_block()), codec=name)
    with pytest.raises(MemoryStoreError, match=f"codec '{name}'") as caught:
        decode(encoded, torch.float32)
    assert caught.value.param == "codec"


def test_what_a_codec_cannot_take_is_kept_exact(random_block):
    block = random_block()
    broken = replace(block, keys=torch.full_like(block.keys, torch.inf))
    encoded = encode(broken, CODECS["int8"])
    assert encoded.codec == "exact"
    assert torch.equal(decode(encoded, broken.keys.dtype).keys, broken.keys)
    assert encode(block, CODECS["int8"]).codec == "int8"
