import numpy as np
import pytest

from memory.memory import StreamMemory
from streams.config import MemoryConfig
from streams.types import BlockKind

LAYERS, DIM = 2, 8
BLOCK = 384 + 192


@pytest.fixture
def new_memory(make_block, tmp_path):
    def new(**settings):
        config = MemoryConfig(
            **{"window_tokens": 6, "dialogue_tokens": 6, "ram_bytes": 2 * BLOCK, "recall_blocks": 3}
            | settings
        )
        return StreamMemory(make_block(0), config, tmp_path / "m", index_layers=LAYERS, index_dim=DIM)

    return new


def fill(memory, make_block, count, **options):
    for _ in range(count):
        memory.append(make_block(memory.next_id(), **options))


def looking_for(make_block, block_id):
    """A query that the block answers best: its own representatives, many times over."""
    return 100 * make_block(block_id).digest.numpy().mean(1)


def test_what_leaves_the_window_is_found_again(new_memory, make_block, assert_same):
    memory = new_memory()
    fill(memory, make_block, 12)
    assert [block.id for block in memory.recent()] == [11, 12]
    assert memory.sealed_count == 10
    for block_id in range(1, 11):
        recalled = memory.recall(looking_for(make_block, block_id), limit=1)
        (block,) = recalled.blocks
        (moment,) = recalled.moments
        assert_same(block, make_block(block_id))
        assert (moment.block_id, moment.text) == (block_id, f"thing {block_id}")
        assert (moment.start_us, moment.end_us) == (block.info.start_us, block.info.end_us)
    memory.check_integrity()


def test_recalls_as_many_as_configured_in_the_order_of_time(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 12)
    recalled = memory.recall(np.ones((LAYERS, DIM), np.float32))
    ids = [block.id for block in recalled.blocks]
    assert len(ids) == 3
    assert ids == sorted(ids) == [moment.block_id for moment in recalled.moments]


def test_the_window_is_not_searched(new_memory, make_block):
    memory = new_memory(window_tokens=600)
    fill(memory, make_block, 12)
    assert memory.recall(looking_for(make_block, 5)).blocks == ()


def test_an_unreadable_block_is_passed_over_and_said(new_memory, make_block, tmp_path, logged):
    memory = new_memory()
    fill(memory, make_block, 12)
    files = sorted((tmp_path / "m").iterdir())
    files[0].write_bytes(files[0].read_bytes()[:40])
    files[1].unlink()
    everything = memory.recall(np.ones((LAYERS, DIM), np.float32), limit=10)
    assert [block.id for block in everything.blocks] == list(range(3, 11))
    assert [moment.block_id for moment in everything.moments] == list(range(3, 11))
    said = [record.fields["block"] for record in logged() if record.getMessage() == "memory.unreadable"]
    assert said == [1, 2]


def test_what_is_forgotten_is_not_found_and_is_counted(new_memory, make_block):
    memory = new_memory(disk_bytes=5_000)
    for appended in range(1, 61):
        fill(memory, make_block, 1)
        memory.check_integrity()
        stats = memory.stats()
        assert stats.disk_bytes <= 5_000
        assert stats.blocks + stats.forgotten == appended
    assert stats.forgotten > 40
    recalled = memory.recall(np.ones((LAYERS, DIM), np.float32), limit=100)
    assert [block.id for block in recalled.blocks] == [info.id for info in memory.sealed()]


def test_recalling_more_than_fits_twice_loses_nothing(new_memory, make_block, assert_same):
    memory = new_memory(disk_bytes=5_000)
    fill(memory, make_block, 40)
    held = memory.sealed_count
    for _ in range(4):
        recalled = memory.recall(np.ones((LAYERS, DIM), np.float32), limit=100)
        for block in recalled.blocks:
            assert_same(block, make_block(block.id))
        memory.check_integrity()
    assert memory.sealed_count == held


def test_kinds_have_windows_of_their_own(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 2, kind=BlockKind.UTTERANCE)
    fill(memory, make_block, 20)
    assert [block.id for block in memory.recent()] == [1, 2, 21, 22]


def test_counts_bytes_by_tier(new_memory, make_block):
    memory = new_memory()
    assert memory.stats().device_bytes == make_block(0).nbytes
    fill(memory, make_block, 12)
    stats = memory.stats()
    assert stats.blocks == 12
    assert stats.device_bytes == 3 * BLOCK
    assert stats.ram_bytes == 2 * BLOCK + 10 * 192
    assert stats.disk_bytes > 8 * BLOCK
    assert stats.forgotten == 0


def test_fetches_by_id_in_the_order_asked(new_memory, make_block):
    memory = new_memory()
    fill(memory, make_block, 12)
    assert [block.id for block in memory.fetch([7, 2, 9])] == [7, 2, 9]
    with pytest.raises(KeyError):
        memory.fetch([12])


def test_new_sinks_take_the_place_of_the_old(new_memory, make_block):
    memory = new_memory()
    memory.sinks = make_block(0, tokens=9)
    assert memory.sinks.tokens == 9
    assert memory.stats().device_bytes == make_block(0, tokens=9).nbytes


def test_closing_removes_the_folder(new_memory, make_block, tmp_path):
    memory = new_memory()
    fill(memory, make_block, 12)
    assert (tmp_path / "m").exists()
    memory.close()
    assert not (tmp_path / "m").exists()
