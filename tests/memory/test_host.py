import threading
from dataclasses import replace

import pytest

from memory.memory import StreamMemory
from streams.errors import ConfigError, MemoryStoreError, OverloadError
from streams.types import US_PER_S, BlockKind

BLOCK = 384 + 64


def fill(memory, make_block, count):
    for _ in range(count):
        info = memory.new_info(BlockKind.FRAME, 0, US_PER_S, "thing", 3)
        memory.append(make_block(info.id, info=info))
    memory.flush()


def test_past_the_device_budget_of_all_a_new_session_is_refused(open_host):
    host = open_host(device_bytes=1_000, total_device_bytes=2_500)
    first, _ = host.open("one"), host.open("two")
    with pytest.raises(OverloadError) as error:
        host.open("three")
    assert error.value.param == "memory.total_device_bytes"
    first.close()
    host.open("three")


def test_past_the_ram_budget_of_all_the_largest_gives_first(open_host, make_block, tmp_path):
    host = open_host(
        window_tokens=3, ram_bytes=100 * BLOCK, total_ram_bytes=60 * BLOCK, dir=tmp_path, policy="layers"
    )
    large, small = host.open("large"), host.open("small")
    fill(large, make_block, 60)
    fill(small, make_block, 10)
    before = small.ram_bytes
    assert large.ram_bytes + small.ram_bytes > 60 * BLOCK
    host.keep()
    assert large.ram_bytes + small.ram_bytes <= 60 * BLOCK
    assert small.ram_bytes == before
    assert large.sealed_count == 59


def test_past_the_disk_budget_of_all_the_largest_forgets_first(open_host, make_block, tmp_path):
    host = open_host(window_tokens=3, disk_bytes=80_000, total_disk_bytes=60_000, dir=tmp_path)
    large, small = host.open("large"), host.open("small")
    fill(large, make_block, 60)
    fill(small, make_block, 10)
    host.keep()
    assert large.disk_bytes + small.disk_bytes <= 60_000
    assert small.sealed_count == 9
    assert large.sealed_count + large.stats().forgotten == 59


def test_sessions_that_nobody_has_open_forget_before_those_that_are(open_host, make_block, tmp_path):
    host = open_host(window_tokens=3, total_disk_bytes=60_000, dir=tmp_path)
    old = host.open("old")
    fill(old, make_block, 60)
    old.close()
    running = host.open("running")
    fill(running, make_block, 40)
    host.keep()
    assert host._store.nbytes <= 60_000
    assert running.sealed_count == 39
    assert host.open("old").sealed_count < 40


def test_opening_one_session_holds_up_no_other(open_host, make_block, tmp_path, monkeypatch):
    host = open_host(dir=tmp_path)
    fill(host.open("kitchen"), make_block, 3)
    host._memories[0].close()
    going_on, restore = threading.Event(), StreamMemory.restore

    def slow(memory, embed=None):
        going_on.wait(30)
        restore(memory, embed)

    monkeypatch.setattr(StreamMemory, "restore", slow)
    opening = threading.Thread(target=host.open, args=("kitchen",))
    opening.start()
    other = host.open("other")
    fill(other, make_block, 3)
    host.keep()
    other.close()
    going_on.set()
    opening.join()


def test_a_session_of_another_model_or_tokenizer_is_refused_by_name(open_host, make_block, tmp_path, shape):
    host = open_host(dir=tmp_path)
    fill(host.open("kitchen"), make_block, 3)
    host.close()
    for field, said in (("model_hash", "tiny"), ("tokenizer_hash", "tokenizer")):
        other = replace(shape, fingerprint=replace(shape.fingerprint, **{field: "other"}))
        host = open_host(dir=tmp_path)
        host._shape = other
        with pytest.raises(MemoryStoreError, match=said) as error:
            host.open("kitchen")
        assert error.value.code == "model_mismatch"


def test_a_policy_that_needs_embeddings_is_refused_without_them(open_host):
    with pytest.raises(ConfigError) as error:
        open_host(policy="external").open("kitchen")
    assert error.value.param == "memory.policy"


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 200, "ä"])
def test_a_name_that_cannot_name_a_folder_is_refused(open_host, name):
    with pytest.raises(MemoryStoreError) as error:
        open_host().open(name)
    assert error.value.param == "session"


def test_it_tells_what_all_sessions_take_by_tier_the_closed_ones_on_disk_too(open_host, make_block, tmp_path):
    host = open_host(window_tokens=3, dir=tmp_path)
    one, two = host.open("one"), host.open("two", tenant="else")
    assert host.nbytes()["device"] == 0
    fill(one, make_block, 10)
    fill(two, make_block, 20)
    stats = [memory.stats() for memory in (one, two)]
    both = host.nbytes()
    assert both["device"] == sum(each.device_bytes for each in stats) > 0
    assert both["ram"] == sum(each.ram_bytes for each in stats) > 0
    assert both["disk"] == sum(each.disk_bytes for each in stats) > 0
    two.close()
    left = host.nbytes()
    assert left["ram"] == one.ram_bytes < both["ram"]
    assert left["disk"] >= both["disk"]


def test_it_tells_when_its_folder_takes_nothing_any_more(open_host, tmp_path):
    folder = tmp_path / "kept"
    host = open_host(dir=folder)
    host.check_writable()
    folder.rename(tmp_path / "gone")
    with pytest.raises(MemoryStoreError, match="cannot be used"):
        host.check_writable()
    (tmp_path / "gone").rename(folder)
    host.check_writable()
    assert not [path for path in folder.iterdir() if "tmp" in path.name]
