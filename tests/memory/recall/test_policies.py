"""What every policy does alike; what sets one apart is tested in a file of its own."""

import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.recall.policies import resolve_policy
from streams.config import MemoryConfig
from streams.errors import ConfigError, MemoryStoreError

COUNT = 40


@pytest.fixture
def filled(any_policy, make_entry):
    policy = any_policy()
    for block_id in range(1, COUNT + 1):
        policy.add(make_entry(block_id))
    return policy


def ids(hits):
    return [hit.block_id for hit in hits]


def test_nothing_is_found_where_nothing_is_known(any_policy, make_query):
    policy = any_policy()
    assert (len(policy), policy.rank(make_query(), 5), policy.block_ids().tolist()) == (0, [], [])
    assert 1 not in policy


def test_ranks_each_block_once_best_first(filled, make_query):
    hits = filled.rank(make_query(), COUNT)
    assert sorted(ids(hits)) == list(range(1, COUNT + 1)) == filled.block_ids().tolist()
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(filled) == COUNT
    assert filled.nbytes > 0
    assert filled.rank(make_query(), 7) == hits[:7]
    assert filled.rank(make_query(), 0) == []


def test_questions_differ_in_what_they_find(filled, make_query):
    assert len({tuple(ids(filled.rank(make_query(seed), 5))) for seed in range(5)}) > 1


def test_only_what_is_allowed_is_found(filled, make_query):
    allowed = np.array([2, 3, 5, 30, 777], dtype=np.int64)
    assert sorted(ids(filled.rank(make_query(), 10, allowed))) == [2, 3, 5, 30]
    assert len(filled.rank(make_query(), 2, allowed)) == 2
    assert filled.rank(make_query(), 10, np.array([], dtype=np.int64)) == []


def test_what_is_removed_is_found_no_more(filled, make_query):
    best = filled.rank(make_query(), 1)[0].block_id
    filled.remove(best)
    assert best not in filled
    assert best not in filled.block_ids()
    assert best not in ids(filled.rank(make_query(), COUNT))
    with pytest.raises(KeyError):
        filled.remove(best)
    assert len(filled) == COUNT - 1


def test_finds_alike_after_it_was_saved_and_loaded(filled, any_policy, make_query, make_entry, tmp_path):
    filled.remove(4)
    filled.save(tmp_path / "index")
    loaded = any_policy()
    loaded.load(tmp_path / "index")
    assert loaded.block_ids().tolist() == filled.block_ids().tolist()
    assert loaded.rank(make_query(), COUNT) == filled.rank(make_query(), COUNT)
    for policy in (filled, loaded):
        policy.remove(7)
        policy.add(make_entry(99))
    assert loaded.rank(make_query(1), COUNT) == filled.rank(make_query(1), COUNT)


def test_the_last_save_counts_and_alone_takes_room(filled, any_policy, make_entry, tmp_path):
    filled.save(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    filled.remove(1)
    filled.save(tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= size
    loaded = any_policy()
    loaded.load(tmp_path)
    assert 1 not in loaded
    loaded.add(make_entry(1))
    assert len(loaded) == COUNT


def test_an_empty_policy_can_be_saved(any_policy, make_query, tmp_path):
    any_policy().save(tmp_path)
    loaded = any_policy()
    loaded.load(tmp_path)
    assert len(loaded) == 0
    assert loaded.rank(make_query(), 3) == []


def test_a_crash_while_saving_leaves_what_was_saved_before(filled, any_policy, tmp_path, monkeypatch):
    filled.save(tmp_path)
    filled.remove(1)
    with monkeypatch.context() as patch:

        def crash(*_):
            raise KeyboardInterrupt

        patch.setattr("memory.recall.saved.os.replace", crash)
        with pytest.raises(KeyboardInterrupt):
            filled.save(tmp_path)
    loaded = any_policy()
    loaded.load(tmp_path)
    assert 1 in loaded
    filled.save(tmp_path)
    loaded = any_policy()
    loaded.load(tmp_path)
    assert 1 not in loaded


def test_a_folder_that_cannot_be_written_is_a_memory_error(filled, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MemoryStoreError):
        filled.save(tmp_path / "file")


def test_what_is_missing_is_refused(any_policy, tmp_path):
    with pytest.raises(MemoryStoreError) as caught:
        any_policy().load(tmp_path / "nowhere")
    assert caught.value.param


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("layers", {"dim": 7}),
        ("representatives", {"layers": 2}),
        ("pooled", {"layers": 2}),
        # As many numbers, otherwise arranged.
        ("pooled", {"layers": 6, "dim": 3}),
        ("external", {"embedding_dim": 9}),
        ("hybrid", {"dim": 7}),
        ("hybrid", {"embedding_dim": 9}),
    ],
)
def test_what_is_of_another_shape_is_refused(make_policy, make_entry, tmp_path, name, more):
    policy = make_policy(name)
    policy.add(make_entry(1))
    policy.save(tmp_path)
    other = make_policy(name, **more)
    with pytest.raises(MemoryStoreError, match="shape"):
        other.load(tmp_path)
    assert len(other) == 0


def test_what_another_policy_wrote_is_refused(make_policy, make_entry, tmp_path):
    layers = make_policy("layers")
    layers.add(make_entry(1))
    layers.save(tmp_path)
    with pytest.raises(MemoryStoreError, match="layers"):
        make_policy("representatives").load(tmp_path)
    with pytest.raises(MemoryStoreError):
        make_policy("layers", half_life_s=5).load(tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_noticed_and_leaves_the_policy_empty(any_policy, make_entry, tmp_path, data):
    folder = tmp_path / "index"
    shutil.rmtree(folder, ignore_errors=True)
    policy = any_policy()
    for block_id in (1, 2, 3):
        policy.add(make_entry(block_id))
    policy.save(folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    damage = data.draw(st.sampled_from(["gone", "cut", "flip", "other", "folder"]))
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[: data.draw(st.integers(0, len(content) - 2))])
    elif damage == "flip":
        at = data.draw(st.integers(0, len(content) - 1))
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :])
    elif damage == "other":
        file.write_bytes(data.draw(st.binary(max_size=200)))
    else:
        file.unlink()
        file.mkdir()
    fresh = any_policy()
    with pytest.raises(MemoryStoreError):
        fresh.load(folder)
    assert (len(fresh), fresh.block_ids().tolist()) == (0, [])
    fresh.add(make_entry(1))
    assert len(fresh) == 1


def test_a_manifest_cannot_lead_out_of_its_folder(make_policy, make_entry, tmp_path):
    policy = make_policy("layers")
    policy.add(make_entry(1))
    policy.save(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"blocks.npy"', '"../../blocks.npy"'))
    with pytest.raises(MemoryStoreError):
        make_policy("layers").load(tmp_path)


def test_ranks_while_another_thread_adds_and_removes(any_policy, make_entry, make_query):
    policy = any_policy()
    for block_id in range(1, 20):
        policy.add(make_entry(block_id))
    failures = []
    done = threading.Event()

    def rank():
        while not done.is_set():
            try:
                found = ids(policy.rank(make_query(), 10))
                policy.block_ids()
                assert len(found) == len(set(found)) == 10
            except BaseException as error:
                failures.append(error)
                return

    thread = threading.Thread(target=rank)
    thread.start()
    for block_id in range(20, 150):
        policy.add(make_entry(block_id))
        policy.remove(block_id - 4)
    done.set()
    thread.join()
    assert not failures


@pytest.mark.parametrize("name", ["external", "hybrid"])
def test_embeddings_need_a_model_for_them(make_policy, make_entry, name):
    with pytest.raises(ConfigError) as caught:
        make_policy(name, embedding_dim=None)
    assert caught.value.param == "memory.policy"


@pytest.mark.parametrize(
    ("name", "wordless", "used"),
    [
        ("auto", False, "external"),
        ("auto", True, "hybrid"),
        ("external", True, "external"),
        ("layers", False, "layers"),
    ],
)
def test_frames_without_words_are_compared_by_keys_too_unless_something_was_chosen(
    name, wordless, used, shape, make_policy
):
    resolved = resolve_policy(MemoryConfig(policy=name), replace(shape, wordless=wordless))
    assert resolved.policy == used
    assert make_policy(resolved.policy).name == used


def test_the_others_need_none(make_policy):
    for name in ("layers", "pooled", "representatives"):
        policy = make_policy(name, embedding_dim=None)
        assert (policy.name, policy.uses_keys, policy.uses_embedding) == (name, True, False)


def test_policies_say_what_they_use(make_policy):
    uses = {name: make_policy(name) for name in ("external", "hybrid")}
    assert (uses["external"].uses_keys, uses["external"].uses_embedding) == (False, True)
    assert (uses["hybrid"].uses_keys, uses["hybrid"].uses_embedding) == (True, True)
    assert make_policy("external", half_life_s=60).uses_keys is False
