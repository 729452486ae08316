import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from memory.host import MemoryHost
from memory.memory import IDLE_S
from memory.recall.policy import Query
from memory.recall.span import Where
from streams.config import MemoryConfig
from streams.errors import MemoryStoreError
from streams.types import US_PER_S, BlockKind

LAYERS, DIM = 2, 8
DIGEST = LAYERS * 2 * DIM * 2
BLOCK = 384 + DIGEST


@pytest.fixture
def new_memory(open_host):
    def new(name="test", **settings):
        small = {"window_tokens": 6, "dialogue_tokens": 6, "ram_bytes": 40 * BLOCK, "recall_blocks": 3}
        return open_host(**small | settings).open(name)

    return new


def fill(memory, make_block, count, kind=BlockKind.FRAME, text=None):
    """Append ``count`` blocks of three tokens, a second apart."""
    for _ in range(count):
        at_us = (memory._next_id) * US_PER_S
        name = text or f"thing {memory._next_id}"
        info = memory.new_info(kind, at_us, at_us + US_PER_S, name, 3)
        memory.append(make_block(info.id, info=info))


EMBEDDING_DIM = 16


def one_hot(place):
    vector = np.zeros(EMBEDDING_DIM, np.float32)
    vector[place] = 1
    return vector


def looking_for(make_block, block_id, now_s=10_000):
    """A query that the block answers best: its own representatives, many times over."""
    return Query(now_s * US_PER_S, 100 * make_block(block_id).digest.numpy().astype(np.float32).mean(1))


ANYTHING = Query(10_000 * US_PER_S, np.ones((LAYERS, DIM), np.float32))


def held(memory):
    return [info.id for info in memory.sealed()]


def same_tensors(block, make_block, assert_same):
    assert_same(block, make_block(block.id, info=block.info))


def test_what_leaves_the_window_is_found_again(new_memory, make_block, assert_same):
    memory = new_memory()
    fill(memory, make_block, 12)
    assert [block.id for block in memory.recent()] == [11, 12]
    assert memory.sealed_count == 10
    for block_id in range(1, 11):
        recalled = memory.recall(looking_for(make_block, block_id), limit=1)
        (block,) = recalled.blocks
        (moment,) = recalled.moments
        same_tensors(block, make_block, assert_same)
        assert (moment.block_id, moment.text) == (block_id, f"thing {block_id}")
        assert (moment.start_us, moment.end_us) == (block.info.start_us, block.info.end_us)


def test_recalls_as_many_as_configured_in_the_order_of_time(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 12)
    recalled = memory.recall(ANYTHING)
    ids = [block.id for block in recalled.blocks]
    assert len(ids) == 3
    assert ids == sorted(ids) == [moment.block_id for moment in recalled.moments]


def test_the_window_is_not_searched(new_memory, make_block):
    memory = new_memory(window_tokens=600)
    fill(memory, make_block, 12)
    assert memory.recall(looking_for(make_block, 5)).blocks == ()


def test_only_what_a_question_asks_about_is_handed_back(new_memory, make_block):
    memory = new_memory(recall_blocks=100)
    fill(memory, make_block, 6, BlockKind.UTTERANCE)
    fill(memory, make_block, 6)
    said = memory.recall(ANYTHING, Where(kinds=frozenset([BlockKind.UTTERANCE])))
    assert [block.id for block in said.blocks] == [1, 2, 3, 4]
    early = memory.recall(ANYTHING, Where(start_us=2_500_000, end_us=4_500_000))
    assert [block.id for block in early.blocks] == [2, 3, 4]
    assert memory.recall(ANYTHING, Where(start_us=9_000 * US_PER_S)).blocks == ()


def test_neighbours_come_with_what_was_found(new_memory, make_block):
    memory = new_memory(recall_neighbours=1)
    fill(memory, make_block, 12)
    assert [block.id for block in memory.recall(looking_for(make_block, 5)).blocks] == [4, 5, 6]


def test_offsets_count_the_tokens_between_blocks(new_memory, make_block):
    memory = new_memory(window_tokens=600)
    fill(memory, make_block, 4)
    assert [block.info.offset for block in memory.recent()] == [0, 3, 6, 9]


def test_an_unreadable_block_is_passed_over_and_told(new_memory, make_block, monkeypatch):
    memory, told = new_memory(ram_bytes=BLOCK, device_bytes=1, recall_blocks=10), []
    memory.notify = told.append
    fill(memory, make_block, 12)
    memory.flush()
    read = memory._store.read

    def damaged(block_id):
        if block_id in (1, 2):
            raise MemoryStoreError(f"block {block_id} is damaged")
        return read(block_id)

    monkeypatch.setattr(memory._store, "read", damaged)
    everything = memory.recall(ANYTHING)
    assert [block.id for block in everything.blocks] == list(range(3, 11))
    assert [moment.block_id for moment in everything.moments] == list(range(3, 11))
    assert {(notice.problem, notice.message) for notice in told} == {
        ("damaged", "block 1 is damaged"),
        ("damaged", "block 2 is damaged"),
    }
    memory.check_integrity()


def test_a_damaged_block_is_not_the_first_moment(new_memory, make_block, monkeypatch):
    """It is found damaged while frames without words are compared."""
    memory = new_memory(ram_bytes=BLOCK, device_bytes=1, recall_blocks=4)
    for second in range(1, 13):
        info = memory.new_info(BlockKind.FRAME, second * US_PER_S, second * US_PER_S, "", 3)
        memory.append(make_block(info.id, info=info))
    memory.flush()
    read = memory._store.read_head

    def damaged(block_id):
        if block_id == 1:
            raise MemoryStoreError(f"block {block_id} is damaged")
        return read(block_id)

    monkeypatch.setattr(memory._store, "read_head", damaged)
    first = memory.recall(ANYTHING, Where(order="first"))
    assert first.blocks
    assert 1 not in [block.id for block in first.blocks]
    assert 1 not in {info.id for info in memory.sealed()}
    memory.check_integrity()


def test_what_is_forgotten_while_it_is_chosen_is_passed_over(new_memory, make_block, monkeypatch):
    memory = new_memory(ram_bytes=BLOCK, device_bytes=1, recall_blocks=10)
    fill(memory, make_block, 12)
    memory.flush()
    load = memory._pool.load

    def forgetting(block_ids):
        if 3 in memory._pool.sealed:
            with memory._lock:
                memory._pool._forget([3, 4], "a test")
        load(block_ids)

    monkeypatch.setattr(memory._pool, "load", forgetting)
    assert [block.id for block in memory.recall(ANYTHING).blocks] == [1, 2, 5, 6, 7, 8, 9, 10]
    memory.check_integrity()


def test_what_is_forgotten_is_not_found_and_is_counted(new_memory, make_block):
    memory, told = new_memory(ram_bytes=2 * BLOCK, disk_bytes=20_000), []
    memory.notify = told.append
    for appended in range(1, 81):
        fill(memory, make_block, 1)
        memory.flush()
        memory.check_integrity()
        stats = memory.stats()
        assert stats.disk_bytes <= 20_000
        assert stats.blocks + stats.forgotten == appended
    assert stats.forgotten > 20
    assert sum(notice.blocks for notice in told) == stats.forgotten
    recalled = memory.recall(ANYTHING, limit=100)
    assert [block.id for block in recalled.blocks] == held(memory)


def test_what_is_to_be_forgotten_is_gone_from_wherever_it_was(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 12)
    inside, outside = memory.recent()[0].id, held(memory)[3]
    assert memory.recall(looking_for(make_block, outside)).blocks
    memory.forget([inside, outside, 4_711])
    assert inside not in {block.id for block in memory.recent()}
    assert outside not in held(memory)
    with pytest.raises(KeyError):
        memory.fetch([outside])
    found = memory.recall(looking_for(make_block, outside), limit=12)
    assert outside not in {block.id for block in found.blocks}
    memory.check_integrity()


def test_blocks_handed_back_lately_stay_on_the_device_within_its_budget(new_memory, make_block):
    memory = new_memory(ram_bytes=BLOCK, device_bytes=6 * BLOCK)
    fill(memory, make_block, 12)
    memory.flush()
    first = memory.recall(ANYTHING)
    reads = memory.stats().disk_reads
    again = memory.recall(ANYTHING)
    assert all(one is other for one, other in zip(first.blocks, again.blocks, strict=True))
    assert memory.stats().disk_reads <= reads + 3, "only what is fetched beforehand is read"
    for block_id in range(1, 11):
        memory.recall(looking_for(make_block, block_id))
        assert memory.stats().device_bytes <= 6 * BLOCK


def test_kinds_have_windows_of_their_own(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 2, BlockKind.UTTERANCE)
    fill(memory, make_block, 20)
    assert [block.id for block in memory.recent()] == [1, 2, 21, 22]


def test_counts_bytes_by_tier(new_memory, make_block):
    memory = new_memory(ram_bytes=2 * BLOCK)
    memory.sinks = make_block(0)
    assert memory.stats().device_bytes == make_block(0).nbytes
    fill(memory, make_block, 12)
    memory.flush()
    stats = memory.stats()
    assert stats.blocks == 12
    assert stats.device_bytes == 3 * BLOCK
    assert stats.ram_bytes == memory.policy.nbytes + memory._pool.ram_bytes
    assert memory._pool.ram_bytes <= 2 * BLOCK
    assert stats.disk_bytes > 8 * BLOCK
    assert (stats.forgotten, stats.damaged, stats.unwritten) == (0, 0, 0)


def test_fetches_by_id_in_the_order_asked(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 12)
    assert [block.id for block in memory.fetch([7, 2, 9])] == [7, 2, 9]
    with pytest.raises(KeyError):
        memory.fetch([12])


def test_questions_from_several_threads_while_it_takes_in_find_what_they_would_have_found_alone(
    new_memory, make_block, assert_same
):
    memory = new_memory(ram_bytes=4 * BLOCK, device_bytes=8 * BLOCK)
    fill(memory, make_block, 60)
    old = Where(end_us=50 * US_PER_S)

    def look(block_id):
        return memory.recall(looking_for(make_block, block_id), old, limit=3)

    alone = {block_id: look(block_id) for block_id in range(1, 50)}
    wrong, done = [], threading.Event()

    def take_in():
        while not done.is_set():
            fill(memory, make_block, 1)

    def ask(block_ids):
        for block_id in block_ids:
            recalled = look(block_id)
            if [block.id for block in recalled.blocks] != [block.id for block in alone[block_id].blocks]:
                wrong.append(block_id)
            for block in recalled.blocks:
                same_tensors(block, make_block, assert_same)

    ingest = threading.Thread(target=take_in)
    askers = [threading.Thread(target=ask, args=(range(1 + k, 50, 4),)) for k in range(4)]
    for thread in (ingest, *askers):
        thread.start()
    for thread in askers:
        thread.join()
    done.set()
    ingest.join()
    assert wrong == []
    memory.check_integrity()


def test_longer_instructions_leave_less_room_for_what_was_handed_back(new_memory, make_block):
    memory = new_memory(device_bytes=6 * BLOCK, recall_blocks=4)
    memory.sinks = make_block(0)
    fill(memory, make_block, 12)
    memory.recall(ANYTHING)
    memory.sinks = make_block(0, tokens=9)
    memory.check_integrity()
    assert memory.stats().device_bytes <= 6 * BLOCK


def test_what_comes_after_the_end_is_left_out(new_memory, make_block, logged):
    memory = new_memory()
    fill(memory, make_block, 1)
    memory.close()
    fill(memory, make_block, 1)
    assert "memory.closed_too_soon" in [record.getMessage() for record in logged()]


class TestIdle:
    def test_it_is_checked_once_after_each_burst(self, new_memory, make_block, monkeypatch):
        memory, checks = new_memory(), []
        monkeypatch.setattr(memory, "check_integrity", lambda: checks.append("checked"))
        now_s = [0.0]
        monkeypatch.setattr("memory.memory.time.monotonic", lambda: now_s[0])
        fill(memory, make_block, 3)
        memory.tend()
        assert checks == []
        now_s[0] = IDLE_S
        memory.tend()
        memory.tend()
        assert checks == ["checked"]
        fill(memory, make_block, 1)
        now_s[0] = 3 * IDLE_S
        memory.tend()
        assert checks == ["checked"] * 2

    def test_a_fault_is_told_and_the_session_goes_on(self, new_memory, make_block, monkeypatch):
        memory, told = new_memory(), []
        memory.notify = told.append
        fill(memory, make_block, 12)
        with monkeypatch.context() as patch:
            patch.setattr("memory.memory.IDLE_S", 0.0)
            patch.setattr(memory.policy, "block_ids", lambda: np.array([], np.int64))
            memory.tend()
        assert [(notice.problem, notice.message) for notice in told] == [
            ("inconsistent", "index and pool disagree")
        ]
        fill(memory, make_block, 1)


class TestResume:
    @pytest.fixture
    def keep(self, open_host, tmp_path):
        def new(**settings):
            small = {"window_tokens": 6, "dialogue_tokens": 6, "recall_blocks": 3, "dir": tmp_path / "kept"}
            return open_host(**small | settings)

        return new

    def test_what_was_to_be_forgotten_does_not_come_back(self, keep, make_block):
        host = keep()
        memory = host.open("kitchen")
        memory.sinks = make_block(0, text="Be brief.", kind=BlockKind.SYSTEM)
        fill(memory, make_block, 12)
        memory.forget([4, 12])
        memory.check_integrity()
        host.close()
        memory = keep().open("kitchen")
        assert [block.id for block in memory.recent()] == [10, 11]
        assert held(memory) == [1, 2, 3, 5, 6, 7, 8, 9]
        fill(memory, make_block, 1, text="something else")
        memory.check_integrity()
        memory.close()
        newest = keep().open("kitchen").recent()[-1]
        assert newest.info.text == "something else", "also where it has the id of one that was forgotten"

    def test_a_session_goes_on_where_it_was(self, keep, make_block, assert_same):
        host = keep()
        memory = host.open("kitchen")
        assert not memory.restored
        memory.sinks = make_block(0, text="Be brief.", kind=BlockKind.SYSTEM)
        fill(memory, make_block, 12)
        memory.pictures.put(3, b"jpeg")
        before = [memory.recall(looking_for(make_block, block_id)) for block_id in range(1, 11)]
        host.close()
        memory = keep().open("kitchen")
        assert memory.restored
        assert_same(memory.sinks, make_block(0, text="Be brief.", kind=BlockKind.SYSTEM))
        assert [block.id for block in memory.recent()] == [11, 12]
        for block in memory.recent():
            same_tensors(block, make_block, assert_same)
        assert held(memory) == list(range(1, 11))
        for block_id, recalled in enumerate(before, 1):
            after = memory.recall(looking_for(make_block, block_id))
            assert after.moments == recalled.moments
            for one, other in zip(after.blocks, recalled.blocks, strict=True):
                assert_same(one, other)
        assert memory.pictures.get(3) == b"jpeg"
        assert memory.resume_us(at_wall_time=False) == 13 * US_PER_S
        assert memory.resume_us(at_wall_time=True) >= 13 * US_PER_S
        info = memory.new_info(BlockKind.FRAME, 0, 0, "next", 3)
        assert (info.id, info.offset) == (13, 36)

    @pytest.mark.parametrize("codec", ["exact", "int8"])
    def test_so_it_does_when_it_was_not_closed(self, keep, make_block, assert_same, codec, tmp_path):
        """Its folder is copied while it is open: what a crash leaves. The window is exact in any case."""
        memory = keep(codec=codec).open("kitchen")
        fill(memory, make_block, 12)
        memory.flush()
        again = keep(codec=codec, dir=copy_of(tmp_path)).open("kitchen")
        assert [block.id for block in again.recent()] == [11, 12]
        for block in again.recent():
            same_tensors(block, make_block, assert_same)
        assert held(again) == list(range(1, 11))
        found = again.recall(looking_for(make_block, 4), limit=1).blocks[0]
        assert found.id == 4
        assert_same(found, memory.fetch([4])[0])

    @pytest.mark.parametrize("harm", ["missing", "stale", "damaged", "another policy"])
    def test_the_index_is_rebuilt_from_stored_digests(self, keep, make_block, harm, tmp_path, logged):
        host = keep()
        memory = host.open("kitchen")
        fill(memory, make_block, 12)
        host.close()
        folder = tmp_path / "kept" / "default" / "kitchen" / "index"
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert files
        settings = {}
        if harm == "stale":
            saved = {file: file.read_bytes() for file in files}
            host = keep()
            fill(host.open("kitchen"), make_block, 8)
            host.close()
            for file in [file for file in folder.rglob("*") if file.is_file()]:
                file.unlink()
            for file, content in saved.items():
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(content)
        elif harm == "another policy":
            settings = {"policy": "pooled"}
        else:
            for file in files:
                if harm == "missing":
                    file.unlink()
                else:
                    file.write_bytes(file.read_bytes()[:-7] + b"garbage")
        memory = keep(**settings).open("kitchen")
        assert len(held(memory)) == (18 if harm == "stale" else 10)
        for block_id in held(memory):
            assert memory.recall(looking_for(make_block, block_id), limit=1).blocks[0].id == block_id
        said = [record.getMessage() for record in logged()]
        assert ("memory.index_rebuilt" in said) == (harm != "stale")

    def test_another_policy_compares_texts_that_were_not_embedded_before(
        self, open_host, make_block, tmp_path, shape
    ):
        settings = {"window_tokens": 6, "dir": tmp_path}
        host = open_host(**settings)
        fill(host.open("kitchen"), make_block, 6)
        host.close()
        embedded = []

        def embed(texts):
            embedded.extend(texts)
            return np.array([one_hot(int(text.split()[-1])) for text in texts], np.float32)

        with_texts = replace(shape, embedding_dim=EMBEDDING_DIM)
        host = MemoryHost(MemoryConfig(policy="external", **settings), with_texts, embed)
        memory = host.open("kitchen")
        assert sorted(embedded) == [f"thing {block_id}" for block_id in range(1, 7)]
        for _ in range(2):  # what was in the window leaves it
            info = memory.new_info(BlockKind.FRAME, 0, 0, "thing 9", 3)
            embedding = torch.from_numpy(one_hot(9)).half()
            memory.append(replace(make_block(info.id, info=info), embedding=embedding))
        for block_id in range(1, 7):
            query = Query(10_000 * US_PER_S, embedding=one_hot(block_id))
            assert [block.id for block in memory.recall(query, limit=1).blocks] == [block_id]
        memory.check_integrity()
        host.close()

    def test_the_id_of_a_damaged_newest_block_is_not_given_again(self, keep, make_block, tmp_path):
        host = keep()
        fill(host.open("kitchen"), make_block, 6)
        host.close()
        (segment,) = (tmp_path / "kept" / "default" / "kitchen").glob("blocks-*.seg")
        content = bytearray(segment.read_bytes())
        content[-40] ^= 1
        segment.write_bytes(content)
        memory = keep().open("kitchen")
        assert [block.id for block in memory.recent()] == [4, 5]
        assert memory.new_info(BlockKind.FRAME, 0, 0, "next", 3).id == 7
        memory.check_integrity()

    def test_a_damaged_journal_costs_its_block_alone(self, keep, make_block, tmp_path):
        memory = keep(codec="int8").open("kitchen")
        fill(memory, make_block, 6)
        memory.flush()
        crashed = copy_of(tmp_path) / "default" / "kitchen"
        for segment in crashed.glob("journal-*.seg"):
            content = bytearray(segment.read_bytes())
            for at in range(len(content) - 40, 0, -700):
                content[at] ^= 1
            segment.write_bytes(content)
        again = keep(codec="int8", dir=tmp_path / "crashed", window_tokens=3).open("kitchen")
        # The newest two were in the journal alone; the one before them is in the window now.
        assert [*held(again), *(block.id for block in again.recent())] == [1, 2, 3, 4]
        again.check_integrity()

    def test_sessions_do_not_mix(self, keep, make_block):
        host = keep()
        kitchen, garden = host.open("kitchen"), host.open("garden")
        fill(kitchen, make_block, 12, text="a kettle")
        fill(garden, make_block, 9, text="a tree")
        host.close()
        host = keep()
        kitchen, garden = host.open("kitchen"), host.open("garden")
        assert {info.text for info in kitchen.sealed()} == {"a kettle"}
        assert {info.text for info in garden.sealed()} == {"a tree"}

    def test_a_session_in_use_is_refused_by_name(self, keep):
        host = keep()
        memory = host.open("kitchen")
        with pytest.raises(MemoryStoreError, match="kitchen") as error:
            host.open("kitchen")
        assert error.value.code == "session_in_use"
        memory.close()
        assert host.open("kitchen").restored

    def test_without_a_folder_nothing_is_kept(self, open_host, make_block):
        host = open_host(window_tokens=6)
        fill(host.open("kitchen"), make_block, 12)
        host.close()
        assert not open_host(window_tokens=6).open("kitchen").restored


def copy_of(tmp_path):
    """The kept folder as a crash would leave it now."""
    return shutil.copytree(tmp_path / "kept", tmp_path / "crashed")


class TestProlonging:
    """What is seen goes on to be seen."""

    def spans(self, memory):
        infos = [*memory.sealed(), *(block.info for block in memory.recent())]
        return {info.id: (info.start_us // US_PER_S, info.end_us // US_PER_S) for info in infos}

    def test_a_block_of_the_window_lasts_longer_and_keeps_that_when_it_leaves(self, new_memory, make_block):
        memory = new_memory()
        fill(memory, make_block, 2)
        assert memory.prolong(2, 9 * US_PER_S)
        assert self.spans(memory) == {1: (1, 2), 2: (2, 9)}
        fill(memory, make_block, 2)
        assert held(memory) == [1, 2]
        assert self.spans(memory)[2] == (2, 9)
        found = memory.recall(looking_for(make_block, 2), Where(start_us=8 * US_PER_S, end_us=8 * US_PER_S))
        assert [block.id for block in found.blocks] == [2]

    def test_it_is_never_shortened(self, new_memory, make_block):
        memory = new_memory()
        fill(memory, make_block, 1)
        assert memory.prolong(1, 1)
        assert self.spans(memory) == {1: (1, 2)}

    def test_what_has_left_the_window_stays_as_it_is(self, new_memory, make_block):
        memory = new_memory()
        fill(memory, make_block, 4)
        assert not memory.prolong(1, 9 * US_PER_S)
        assert not memory.prolong(77, 9 * US_PER_S)
        assert self.spans(memory)[1] == (1, 2)

    def test_a_scene_that_stays_still_is_written_once(self, open_host, make_block, tmp_path):
        settings = {"dir": tmp_path / "kept", "window_tokens": 6, "dialogue_tokens": 6}
        memory = open_host(**settings).open("kitchen")
        fill(memory, make_block, 2)
        memory.flush()
        before = memory.disk_bytes
        for second in range(3, 60):
            assert memory.prolong(2, second * US_PER_S)
            memory.flush()
        assert memory.disk_bytes == before
        assert self.spans(open_host(**settings | {"dir": copy_of(tmp_path)}).open("kitchen"))[2] == (2, 3)
        fill(memory, make_block, 1)
        memory.flush()
        assert held(memory) == [1]
        in_one_block = memory.disk_bytes - before
        fill(memory, make_block, 1)
        memory.flush()
        assert held(memory) == [1, 2]
        assert in_one_block < memory.disk_bytes - before <= 3 * in_one_block

    def test_until_its_end_is_written_it_is_had_from_ram(self, open_host, make_block, tmp_path):
        settings = {"dir": tmp_path, "window_tokens": 3, "dialogue_tokens": 3}
        memory = open_host(**settings).open("kept")
        fill(memory, make_block, 1)
        memory.flush()
        assert memory.prolong(1, 9 * US_PER_S)
        release = threading.Event()
        memory._worker.submit(release.wait)
        fill(memory, make_block, 1)
        memory.shrink(memory.ram_bytes)
        assert memory.fetch([1])[0].info.end_us == 9 * US_PER_S
        release.set()
        memory.flush()

    @pytest.mark.parametrize("codec", ["exact", "int8"])
    def test_it_lasts_over_a_restart_in_the_window_and_outside(self, open_host, make_block, tmp_path, codec):
        settings = {"dir": tmp_path, "window_tokens": 6, "dialogue_tokens": 6, "codec": codec}
        host = open_host(**settings)
        memory = host.open("kept")
        fill(memory, make_block, 2)
        memory.flush()
        assert memory.prolong(1, 5 * US_PER_S)
        assert memory.prolong(2, 9 * US_PER_S)
        fill(memory, make_block, 1)
        assert held(memory) == [1]
        memory.close()
        host.close()
        again = open_host(**settings).open("kept")
        assert self.spans(again) == {1: (1, 5), 2: (2, 9), 3: (3, 4)}
        assert again.resume_us(at_wall_time=False) == 9 * US_PER_S
