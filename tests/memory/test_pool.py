import errno
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.disk import DiskTier
from memory.pool import BlockPool
from memory.ram import RamTier
from streams.errors import MemoryStoreError

BLOCK = 3 * 2 * 2 * 4 * 4 * 2 + 3 * 2 * 8 * 4
"""Bytes of a block of three tokens."""


class Bench:
    """A pool over real tiers, with sight of both."""

    def __init__(self, folder, *, ram_blocks=2, disk_bytes=10**9):
        self.forgot = []
        self.ram, self.disk = RamTier(), DiskTier(folder)
        self.pool = BlockPool(
            self.ram,
            self.disk,
            ram_bytes=ram_blocks * BLOCK,
            disk_bytes=disk_bytes,
            on_forget=self.forgot.append,
        )


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "pool")


def test_the_least_recently_used_go_to_disk_and_come_back_whole(bench, make_block, assert_same):
    assert make_block(1).nbytes == BLOCK
    for block_id in (1, 2):
        bench.pool.allocate(make_block(block_id))
    bench.pool.fetch(1)
    bench.pool.allocate(make_block(3))
    assert list(bench.ram) == [1, 3]
    assert list(bench.disk) == [2]
    assert_same(bench.pool.fetch(2), make_block(2))
    assert list(bench.ram) == [3, 2]
    bench.pool.check_integrity()
    assert [info.id for info in bench.pool.infos()] == [1, 2, 3]


def test_a_block_that_is_on_disk_already_is_not_written_again(bench, make_block, monkeypatch):
    for block_id in (1, 2, 3, 4):
        bench.pool.allocate(make_block(block_id))
    bench.pool.fetch(1)
    written = []
    monkeypatch.setattr(bench.disk, "put", lambda block: written.append(block.id))
    bench.pool.fetch(2)
    bench.pool.fetch(1)
    bench.pool.fetch(2)
    assert written == [4]


def test_a_block_larger_than_the_ram_budget_stays_while_it_is_the_newest(tmp_path, make_block):
    bench = Bench(tmp_path, ram_blocks=0)
    for block_id in (1, 2, 3):
        bench.pool.allocate(make_block(block_id))
        assert list(bench.ram) == [block_id]
    assert list(bench.disk) == [1, 2]


def test_past_the_disk_budget_the_oldest_are_forgotten_and_counted(tmp_path, make_block):
    bench = Bench(tmp_path, disk_bytes=3_000)
    for block_id in range(1, 21):
        bench.pool.allocate(make_block(block_id))
        bench.pool.check_integrity()
        assert bench.pool.disk_bytes <= 3_000
    assert bench.forgot == list(range(1, 1 + bench.pool.forgotten))
    assert bench.pool.forgotten > 10
    with pytest.raises(KeyError):
        bench.pool.fetch(1)


def test_second_copies_on_disk_go_before_any_block_is_forgotten(tmp_path, make_block, assert_same):
    bench = Bench(tmp_path)
    for block_id in (1, 2, 3, 4):
        bench.pool.allocate(make_block(block_id))
    bench = Bench(tmp_path / "tight", disk_bytes=bench.disk.nbytes)
    for block_id in (1, 2, 3, 4):
        bench.pool.allocate(make_block(block_id))
    for block_id in (1, 2, 3, 4, 2, 1, 4, 3):
        assert_same(bench.pool.fetch(block_id), make_block(block_id))
        bench.pool.check_integrity()
    assert bench.pool.forgotten == 0


def test_a_full_disk_loses_nothing(bench, make_block, monkeypatch, assert_same):
    def full(tensors, file, metadata):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("memory.disk.save_file", full)
        for block_id in range(1, 7):
            bench.pool.allocate(make_block(block_id))
    assert bench.pool.disk_errors > 0
    assert bench.pool.ram_bytes == 6 * BLOCK
    bench.pool.check_integrity()
    bench.pool.allocate(make_block(7))
    assert bench.pool.ram_bytes <= 2 * BLOCK
    for block_id in range(1, 8):
        assert_same(bench.pool.fetch(block_id), make_block(block_id))


def test_free_takes_a_block_out_of_every_tier(bench, make_block):
    for block_id in (1, 2, 3):
        bench.pool.allocate(make_block(block_id))
    bench.pool.fetch(1)
    assert 1 in bench.ram
    assert 1 in bench.disk
    bench.pool.free(1)
    assert 1 not in bench.pool
    bench.pool.check_integrity()
    with pytest.raises(KeyError):
        bench.pool.free(1)
    bench.pool.close()
    assert len(bench.pool) == 0
    bench.pool.check_integrity()


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("allocate"), st.integers(1, 8)),
        st.tuples(st.sampled_from(["fetch", "free", "tear", "fill", "empty"]), st.integers(0, 30)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(operations=OPERATIONS, ram_blocks=st.integers(0, 4), disk_bytes=st.integers(1, 12_000))
def test_it_behaves_as_a_dictionary_that_forgets(make_block, assert_same, operations, ram_blocks, disk_bytes):
    folder = Path(tempfile.mkdtemp())
    bench = Bench(folder, ram_blocks=ram_blocks, disk_bytes=disk_bytes)
    model, torn, disk_works = {}, set(), True
    put = bench.disk.put

    def sometimes(block):
        if not disk_works:
            raise MemoryStoreError("the disk is full")
        put(block)
        torn.discard(block.id)

    bench.disk.put = sometimes
    try:
        for block_id, (operation, number) in enumerate(operations, 1):
            known = sorted(model)
            chosen = known[number % len(known)] if known else None
            if operation == "allocate":
                model[block_id] = make_block(block_id, tokens=number)
                bench.pool.allocate(model[block_id])
            elif operation in ("fill", "empty"):
                disk_works = operation == "empty"
            elif chosen is None:
                continue
            elif operation == "free":
                bench.pool.free(chosen)
                del model[chosen]
            elif operation == "tear" and chosen in bench.disk:
                (folder / f"block-{chosen:08}.safetensors").write_bytes(b"torn")
                torn.add(chosen)
            elif chosen in torn and chosen not in bench.ram:
                with pytest.raises(MemoryStoreError):
                    bench.pool.fetch(chosen)
            else:
                assert_same(bench.pool.fetch(chosen), model[chosen])
            for block_id_forgotten in bench.forgot:
                model.pop(block_id_forgotten, None)
            bench.pool.check_integrity()
            assert [info.id for info in bench.pool.infos()] == sorted(model)
            assert len(bench.pool) == len(model)
            assert bench.pool.forgotten == len(bench.forgot) == len(set(bench.forgot))
            assert bench.pool.disk_bytes <= disk_bytes
            assert bench.pool.ram_bytes == sum(model[block_id].nbytes for block_id in bench.ram)
            if disk_works and operation in ("allocate", "fetch") and not bench.pool.disk_errors:
                assert bench.pool.ram_bytes <= ram_blocks * BLOCK or len(list(bench.ram)) == 1
    finally:
        bench.pool.close()
        shutil.rmtree(folder, ignore_errors=True)
