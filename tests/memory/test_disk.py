import errno

import pytest
import torch

from memory.disk import DiskTier
from streams.errors import MemoryStoreError
from streams.types import BlockKind


@pytest.fixture
def tier(tmp_path):
    return DiskTier(tmp_path / "session")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_read_is_what_was_written(tier, make_block, assert_same, dtype):
    block = make_block(3, kind=BlockKind.REPLY, text="a “quoted” reply\n日本", dtype=dtype)
    tier.put(block)
    assert_same(tier.get(3), block)


def test_a_strided_block_is_written_as_it_reads(tier, make_block, assert_same):
    block = make_block(1)
    wide = torch.stack([block.keys, block.keys], dim=3)
    object.__setattr__(block, "keys", wide[:, :, :, 0])
    assert not block.keys.is_contiguous()
    tier.put(block)
    assert_same(tier.get(1), block)


def test_counts_the_bytes_of_its_files_and_removes_them(tier, make_block, tmp_path):
    assert tier.nbytes == 0
    for block_id in (5, 2, 9):
        tier.put(make_block(block_id))
    files = list((tmp_path / "session").iterdir())
    assert len(files) == 3
    assert tier.nbytes == sum(file.stat().st_size for file in files)
    assert list(tier) == [5, 2, 9]
    tier.remove(2)
    assert 2 not in tier
    assert len(list((tmp_path / "session").iterdir())) == 2
    with pytest.raises(KeyError):
        tier.get(2)
    with pytest.raises(KeyError):
        tier.remove(2)
    tier.close()
    assert tier.nbytes == 0
    assert not (tmp_path / "session").exists()


def only_file(tmp_path):
    (file,) = (tmp_path / "session").iterdir()
    return file


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.6, 0.999])
def test_a_torn_file_is_an_error_that_names_it(tier, make_block, tmp_path, keep):
    tier.put(make_block(1))
    file = only_file(tmp_path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * keep)])
    with pytest.raises(MemoryStoreError, match="block-00000001") as error:
        tier.get(1)
    assert error.value.param == str(file)


def test_any_damaged_byte_is_noticed(tier, make_block, tmp_path):
    block = make_block(1)
    tier.put(block)
    file = only_file(tmp_path)
    whole = file.read_bytes()
    unnoticed = []
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        try:
            read = tier.get(1)
        except MemoryStoreError:
            continue
        same = read.info == block.info and torch.equal(read.keys, block.keys)
        if not (same and torch.equal(read.values, block.values)):
            unnoticed.append(at)
    assert not unnoticed


def test_a_missing_file_is_an_error(tier, make_block, tmp_path):
    tier.put(make_block(1))
    only_file(tmp_path).unlink()
    with pytest.raises(MemoryStoreError):
        tier.get(1)


def test_a_full_disk_leaves_nothing_behind(tier, make_block, tmp_path, monkeypatch, assert_same):
    tier.put(make_block(1))
    before = tier.nbytes

    def half_written(tensors, file, metadata):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("memory.disk.save_file", half_written)
        with pytest.raises(MemoryStoreError, match="No space left"):
            tier.put(make_block(2))
    assert 2 not in tier
    assert tier.nbytes == before
    assert only_file(tmp_path).name.startswith("block-00000001")
    tier.put(make_block(2))
    assert_same(tier.get(2), make_block(2))


def test_a_folder_that_cannot_be_made_is_an_error(make_block, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MemoryStoreError):
        DiskTier(tmp_path / "file" / "session").put(make_block(1))
