import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.codec.codecs import CODECS, decode
from memory.pool import BlockPool
from memory.pool_config import PoolConfig
from memory.retention.policies import RETENTION_POLICIES
from memory.store.identity import SessionKey
from memory.store.store import MemoryStore
from memory.threads import MemoryThreads
from memory.transfer import HostTransfer
from streams.errors import MemoryStoreError
from streams.pipeline import Worker

BLOCK = 3 * 2 * 2 * 4 * 4 * 2 + 2 * 2 * 8 * 2
"""Bytes of a block of three tokens."""


class Bench:
    """A pool on a real store, and all that it told."""

    def __init__(self, folder, fingerprint, *, ram_blocks=2, disk_bytes=10**9, durable=False, codec="exact"):
        self.gone, self.notices = [], []
        self.root = MemoryStore(folder, segment_bytes=4_096)
        self.store = self.root.open(SessionKey("default", "pool"), fingerprint)
        self.worker = Worker("memory")
        self.readers = ThreadPoolExecutor(2)
        config = PoolConfig(
            ram_blocks * BLOCK, disk_bytes, CODECS[codec], RETENTION_POLICIES["oldest"], durable
        )
        self.pool = BlockPool(
            self.store,
            config,
            HostTransfer(),
            MemoryThreads(self.worker, self.readers),
            reserved=lambda: 0,
            on_gone=self.gone.extend,
            notify=self.notices.append,
        )

    def settle(self):
        """Wait until the worker has done what it was given, and what it gave itself by that."""
        for _ in range(3):
            self.worker.submit(lambda: None).result()
        self.pool.check_integrity()

    def allocate(self, *blocks):
        for block in blocks:
            self.pool.allocate(block)
            self.settle()

    def fetch(self, block_id):
        return decode(self.pool.fetch(block_id), torch.float32)

    def in_ram(self):
        return sorted(self.pool._ram)

    def problems(self):
        return [notice.problem for notice in self.notices]

    def close(self):
        self.worker.close()
        self.readers.shutdown()
        self.store.close()
        self.root.close()


@pytest.fixture
def open_bench(tmp_path, fingerprint):
    opened = []

    def open_one(**options):
        opened.append(Bench(tmp_path / str(len(opened)), fingerprint, **options))
        return opened[-1]

    yield open_one
    for bench in opened:
        bench.settle()
        bench.close()


@pytest.fixture
def failing(monkeypatch):
    """A store that cannot be written to while ``on`` holds."""

    class Failing:
        def __init__(self, store):
            self.on, self._write = True, store.write
            monkeypatch.setattr(store, "write", self.write)

        def write(self, encoded, *, journal=False):
            if self.on:
                raise MemoryStoreError("No space left on device")
            self._write(encoded, journal=journal)

    return Failing


def test_the_least_recently_used_go_to_disk_and_come_back_whole(open_bench, make_block, assert_same):
    bench = open_bench(durable=True)
    assert make_block(1).nbytes == BLOCK
    bench.allocate(make_block(1), make_block(2))
    bench.pool.fetch(1)
    bench.allocate(make_block(3))
    assert bench.in_ram() == [1, 3]
    assert_same(bench.fetch(2), make_block(2))
    assert bench.pool.disk_reads == 1
    bench.settle()
    assert bench.in_ram() == [2, 3]
    assert [info.id for info in bench.pool.sealed.infos()] == [1, 2, 3]


def test_what_is_kept_nowhere_else_leaves_ram_once_it_is_written(open_bench, make_block, assert_same):
    bench = open_bench()
    bench.allocate(*(make_block(block_id) for block_id in range(1, 7)))
    assert bench.pool.ram_bytes <= 2 * BLOCK
    for block_id in range(1, 7):
        assert_same(bench.fetch(block_id), make_block(block_id))


def test_while_ram_suffices_nothing_is_written_that_need_not_outlive_the_process(open_bench, make_block):
    bench = open_bench(ram_blocks=8)
    bench.allocate(*(make_block(block_id) for block_id in range(1, 7)))
    assert bench.store.infos() == []


def test_what_is_to_last_is_written_at_once_and_only_once(open_bench, make_block, monkeypatch):
    bench = open_bench(ram_blocks=8, durable=True)
    written, write = [], bench.store.write

    def watched(encoded, *, journal=False):
        written.append((encoded.id, journal))
        write(encoded, journal=journal)

    monkeypatch.setattr(bench.store, "write", watched)
    for block_id in (1, 2, 3):
        bench.pool.copy(make_block(block_id))
        bench.settle()
    assert written == [(1, False), (2, False), (3, False)]
    bench.allocate(make_block(1), make_block(2))
    for block_id in (1, 2, 1):
        bench.pool.fetch(block_id)
    bench.settle()
    assert len(written) == 3


def test_of_a_block_that_the_codec_changes_the_window_has_an_exact_copy(open_bench, make_block, assert_same):
    bench = open_bench(ram_blocks=8, durable=True, codec="int8")
    bench.pool.copy(make_block(1))
    bench.settle()
    assert bench.store.journaled() == [1]
    assert_same(decode(bench.store.read(1), torch.float32), make_block(1))
    bench.allocate(make_block(1))
    assert bench.store.journaled() == []
    assert bench.store.read(1).codec == "int8"
    assert bench.pool.fetch(1).codec == "int8"


def test_copies_that_a_crash_left_behind_are_written_as_they_are_kept(open_bench, make_block):
    bench = open_bench(ram_blocks=8, durable=True, codec="int8")
    bench.pool.copy(make_block(1))
    bench.settle()
    bench.pool.adopt([make_block(1).info])
    bench.pool.recode(bench.store.journaled())
    bench.settle()
    assert bench.store.journaled() == []
    assert bench.store.read(1).codec == "int8"


def test_past_the_disk_budget_the_oldest_are_forgotten_counted_and_told(open_bench, make_block):
    bench = open_bench(disk_bytes=12_000)
    for block_id in range(1, 61):
        bench.allocate(make_block(block_id))
        assert bench.store.nbytes <= 12_000
    forgotten = bench.pool.forgotten
    assert forgotten > 20
    assert bench.gone == list(range(1, 1 + forgotten))
    assert bench.problems() == ["forgotten"] * len(bench.notices)
    assert sum(notice.blocks for notice in bench.notices) == forgotten
    assert [info.id for info in bench.pool.sealed.infos()] == list(range(1 + forgotten, 61))
    with pytest.raises(KeyError):
        bench.pool.fetch(1)


def test_a_disk_that_fails_is_said_and_ram_goes_on_until_it_is_used_up(
    open_bench, make_block, failing, assert_same
):
    bench = open_bench(ram_blocks=10, durable=True)
    disk = failing(bench.store)
    bench.allocate(*(make_block(block_id) for block_id in range(1, 11)))
    assert bench.problems() == ["disk_failed"]
    assert bench.pool.ram_bytes == 10 * BLOCK
    assert not bench.pool.must_wait
    for block_id in range(1, 11):
        assert_same(bench.fetch(block_id), make_block(block_id))
    bench.allocate(make_block(11), make_block(12))
    assert bench.pool.ram_bytes <= 10 * BLOCK
    assert set(bench.problems()) == {"disk_failed", "forgotten"}
    assert bench.pool.forgotten == len(bench.gone) > 0
    disk.on = False
    bench.allocate(make_block(13))
    bench.pool.flush()
    left = [info.id for info in bench.pool.sealed.infos()]
    assert left == [block_id for block_id in range(1, 14) if block_id not in bench.gone]
    assert [info.id for info in bench.store.infos()] == left
    with pytest.raises(KeyError):
        bench.pool.fetch(bench.gone[0])


def test_flushing_to_a_disk_that_fails_is_an_error_and_loses_nothing(open_bench, make_block, failing):
    bench = open_bench(ram_blocks=8, durable=True)
    disk = failing(bench.store)
    bench.allocate(make_block(1))
    with pytest.raises(MemoryStoreError, match="1 blocks cannot be written"):
        bench.pool.flush()
    disk.on = False
    bench.pool.flush()
    assert [info.id for info in bench.store.infos()] == [1]


def test_the_sender_waits_only_while_ram_is_used_up_by_what_is_still_to_be_written(
    open_bench, make_block, monkeypatch
):
    bench = open_bench(ram_blocks=2, durable=True)
    may_write, write = threading.Event(), bench.store.write

    def slow(encoded, *, journal=False):
        may_write.wait(30)
        write(encoded, journal=journal)

    monkeypatch.setattr(bench.store, "write", slow)
    for block_id in (1, 2):
        bench.pool.allocate(make_block(block_id))
    assert not bench.pool.must_wait
    assert bench.pool.wait_for_room(0)
    bench.pool.allocate(make_block(3))
    assert bench.pool.must_wait
    assert not bench.pool.wait_for_room(0.01)
    assert bench.pool.ram_bytes == 3 * BLOCK, "nothing was dropped for want of room"
    may_write.set()
    assert bench.pool.wait_for_room(30)
    bench.settle()
    assert bench.pool.ram_bytes <= 2 * BLOCK


def test_what_recall_knows_of_a_block_is_read_without_bringing_it_up(open_bench, make_block):
    bench = open_bench(ram_blocks=1)
    blocks = [make_block(block_id) for block_id in (1, 2, 3)]
    bench.allocate(*blocks)
    before = bench.pool.ram_bytes
    for block in blocks:  # the last one is in RAM
        entry = bench.pool.entry(block.id)
        assert entry.info == block.info
        np.testing.assert_array_equal(entry.digest, block.digest.numpy())
    assert bench.pool.ram_bytes == before
    assert bench.pool.disk_reads == 0
    with pytest.raises(KeyError):
        bench.pool.entry(9)


@pytest.mark.parametrize(("read", "look"), [("read", "fetch"), ("read_head", "entry")])
def test_a_damaged_block_is_given_up_and_told(open_bench, make_block, monkeypatch, read, look):
    bench = open_bench(ram_blocks=1)
    bench.allocate(*(make_block(block_id) for block_id in (1, 2, 3)))

    def unreadable(block_id):
        raise MemoryStoreError(f"block {block_id} is damaged")

    monkeypatch.setattr(bench.store, read, unreadable)
    with pytest.raises(MemoryStoreError, match="block 1 is damaged"):
        getattr(bench.pool, look)(1)
    assert bench.gone == [1]
    assert bench.problems() == ["damaged"]
    with pytest.raises(KeyError):
        getattr(bench.pool, look)(1)


def test_closed_it_holds_nothing(open_bench, make_block):
    bench = open_bench()
    bench.allocate(*(make_block(block_id) for block_id in (1, 2, 3)))
    bench.pool.close()
    assert len(bench.pool.sealed) == 0
    assert bench.pool.ram_bytes == 0


def test_prefetched_blocks_are_in_ram(open_bench, make_block):
    bench = open_bench(ram_blocks=3, durable=True)
    bench.allocate(*(make_block(block_id) for block_id in range(1, 8)))
    assert not {1, 2} & set(bench.in_ram())
    bench.pool.prefetch([1, 2, 99])
    bench.settle()
    assert {1, 2} <= set(bench.in_ram())


def test_blocks_that_are_loaded_side_by_side_are_in_ram_and_counted(open_bench, make_block, assert_same):
    bench = open_bench(ram_blocks=4, durable=True)
    bench.allocate(*(make_block(block_id) for block_id in range(1, 9)))
    bench.pool.load([1, 2, 3, 99])
    assert bench.pool.disk_reads == 4
    assert {1, 2, 3} <= set(bench.in_ram())
    for block_id in (1, 2, 3):
        assert_same(bench.fetch(block_id), make_block(block_id))
    assert bench.pool.disk_reads == 4


def test_shrinking_writes_what_it_lets_go_of(open_bench, make_block, assert_same):
    bench = open_bench(ram_blocks=10)
    bench.allocate(*(make_block(block_id) for block_id in range(1, 7)))
    bench.pool.shrink(2 * BLOCK)
    bench.settle()
    bench.pool.shrink(2 * BLOCK)
    assert bench.pool.ram_bytes <= 2 * BLOCK
    for block_id in range(1, 7):
        assert_same(bench.fetch(block_id), make_block(block_id))


def test_counts_of_recall_reach_the_store(open_bench, make_block):
    bench = open_bench(ram_blocks=1)
    bench.allocate(*(make_block(block_id) for block_id in (1, 2, 3)))
    bench.pool.recalled([1])
    bench.pool.recalled([1, 2])
    bench.settle()
    assert {each.info.id: each.recalled for each in bench.store.candidates()}[1] == 2


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("allocate"), st.integers(1, 8)),
        st.tuples(
            st.sampled_from(["fetch", "free", "fill", "empty", "prefetch", "shrink"]), st.integers(0, 30)
        ),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(
    operations=OPERATIONS,
    ram_blocks=st.integers(1, 5),
    disk_bytes=st.integers(6_000, 30_000),
    durable=st.booleans(),
)
def test_it_behaves_as_a_dictionary_that_forgets(
    make_block, assert_same, fingerprint, tmp_path_factory, operations, ram_blocks, disk_bytes, durable
):
    bench = Bench(
        tmp_path_factory.mktemp("pool"),
        fingerprint,
        ram_blocks=ram_blocks,
        disk_bytes=disk_bytes,
        durable=durable,
    )
    model, works, write = {}, True, bench.store.write

    def sometimes(encoded, *, journal=False):
        if not works:
            raise MemoryStoreError("the disk is full")
        write(encoded, journal=journal)

    bench.store.write = sometimes
    try:
        for block_id, (operation, number) in enumerate(operations, 1):
            known = sorted(model)
            chosen = known[number % len(known)] if known else None
            if operation == "allocate":
                model[block_id] = make_block(block_id, tokens=number)
                bench.pool.allocate(model[block_id])
            elif operation in ("fill", "empty"):
                works = operation == "empty"
            elif operation == "shrink":
                bench.pool.shrink(number * BLOCK // 4)
            elif chosen is None:
                continue
            elif operation == "prefetch":
                bench.pool.prefetch([chosen])
            else:
                assert_same(bench.fetch(chosen), model[chosen])
            bench.settle()
            for gone in bench.gone:
                model.pop(gone, None)
            assert [info.id for info in bench.pool.sealed.infos()] == sorted(model)
            assert bench.pool.forgotten == len(bench.gone) == len(set(bench.gone))
            assert bench.store.nbytes <= disk_bytes
            failing = bench.pool._writer.failing
            assert bench.pool.ram_bytes <= ram_blocks * BLOCK or len(bench.in_ram()) == 1 or failing
    finally:
        bench.close()
