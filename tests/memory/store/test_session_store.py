import errno
import os
import shutil
import threading

import pytest

from memory.store import catalog as catalog_module
from memory.store.record import RecordKind
from memory.store.store import MemoryStore
from streams.errors import MemoryStoreError


def full(fd, data):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_blocks_come_back_bit_for_bit(bench, make_encoded, assert_same):
    written = {block_id: make_encoded(block_id, embedding=block_id % 2 == 0) for block_id in (0, 5, 2, 9)}
    for encoded in written.values():
        bench.session.write(encoded)
    for look in (bench, bench):
        session = look.session
        assert [info.id for info in session.infos()] == [0, 2, 5, 9]
        for block_id, encoded in written.items():
            assert_same(session.read(block_id), encoded)
            entry = session.read_head(block_id)
            assert entry.info == encoded.info
            assert (entry.digest == encoded.digest.numpy()).all()
            assert (entry.embedding is None) == (block_id % 2 == 1)
        assert [entry.info.id for entry in session.heads([9, 2, 77, 5])] == [5, 2, 9]
        bench.reopen()
    with pytest.raises(KeyError):
        bench.session.read(1)
    with pytest.raises(KeyError):
        bench.session.read_head(1)


def test_the_same_id_again_supersedes(bench, make_encoded, assert_same):
    bench.session.write(make_encoded(1))
    bench.session.write(make_encoded(2))
    assert bench.session.dead_bytes == 0
    bench.session.write(make_encoded(1, 1, tokens=9))
    assert bench.session.dead_bytes > 0
    assert_same(bench.session.read(1), make_encoded(1, 1, tokens=9))
    bench.reopen(bench.lose_catalog)
    assert_same(bench.session.read(1), make_encoded(1, 1, tokens=9))
    assert bench.ids() == [1, 2]


def test_the_journal_does_not_grow(bench, make_encoded, assert_same):
    session = bench.session
    for block_id in range(1, 60):
        session.write(make_encoded(block_id), journal=True)
        if block_id > 3:
            session.write(make_encoded(block_id - 3, 1))
        session.sync()
        assert len(bench.files("journal")) <= 5
    assert len(bench.files("blocks")) > 5
    bench.reopen()
    for block_id in range(1, 60):
        assert_same(bench.session.read(block_id), make_encoded(block_id, 0 if block_id > 56 else 1))


def test_a_main_segment_of_which_nothing_is_live_is_deleted(bench, make_encoded):
    for block_id in range(1, 20):
        bench.session.write(make_encoded(block_id))
    bench.session.sync()
    first, *others = bench.files("blocks")
    nbytes = bench.session.nbytes
    bench.session.remove(range(1, 19), reason="test")
    bench.session.sync()
    assert first not in bench.files("blocks")
    assert bench.session.nbytes < nbytes / 2
    assert bench.ids() == [19]
    assert others


def test_removed_blocks_stay_gone_without_the_catalog(bench, make_encoded):
    for block_id in range(1, 9):
        bench.session.write(make_encoded(block_id), journal=block_id < 4)
        bench.session.set_thumbnail(block_id, b"jpeg")
    bench.session.remove([2, 5, 8, 5], reason="budget")
    assert bench.session.removed == 3
    with pytest.raises(KeyError):
        bench.session.remove([1, 5], reason="budget")
    bench.reopen(bench.lose_catalog)
    assert bench.ids() == [1, 3, 4, 6, 7]
    assert bench.session.removed == 3
    assert bench.session.thumbnail(1) == b"jpeg"
    assert bench.session.thumbnail(2) is None
    bench.session.write(make_encoded(2, 1))
    bench.reopen(bench.lose_catalog)
    assert bench.ids() == [1, 2, 3, 4, 6, 7]
    assert bench.session.thumbnail(2) is None


@pytest.mark.parametrize("compacts", [False, True])
def test_tombstones_outlive_their_segment_while_they_deny_something(bench, make_encoded, compacts):
    """Block 1 lies dead in a segment that stays; its tombstone in one that goes."""
    for block_id in range(1, 10):
        bench.session.write(make_encoded(block_id))
    bench.session.remove([1], reason="test")
    place = bench.session._ledger.extras[RecordKind.TOMBSTONE, 1].place
    for block_id in range(20, 30):
        bench.session.write(make_encoded(block_id))
    rows = bench.session._ledger.rows_in(place.segment)
    beside = [row.block_id for row in rows if row.kind is RecordKind.BLOCK]
    bench.session.remove(beside[1:] if compacts else beside, reason="test")
    bench.session.sync()
    bench.session.compact(0.4 if compacts else 1.0)
    assert place.segment.file_name not in bench.files()
    assert "blocks-000001.seg" in bench.files()
    ids = bench.ids()
    bench.reopen(bench.lose_catalog)
    assert bench.ids() == ids
    assert 1 not in ids


def test_tombstones_that_deny_nothing_go(bench, make_encoded):
    for block_id in range(1, 150):
        bench.session.write(make_encoded(block_id))
        if block_id > 10:
            bench.session.remove([block_id - 10], reason="budget")
        bench.session.sync()
        assert bench.session.nbytes < 6 * 4_000
    tombstones = [key for key in bench.session._ledger.extras if key[0] is RecordKind.TOMBSTONE]
    assert 0 < len(tombstones) < 40
    bench.reopen(bench.lose_catalog)
    assert bench.ids() == list(range(140, 150))


def test_compaction_gives_dead_bytes_back_once(bench, make_encoded, assert_same):
    session = bench.session
    for block_id in range(1, 30):
        session.write(make_encoded(block_id))
    session.set_thumbnail(4, b"four")
    session.write_state({"a": 1})
    session.remove(range(1, 30, 3), reason="test")
    session.remove([29], reason="test")
    session.touch([2, 3, 3, 77])
    session.sync()
    before = session.nbytes
    assert session.compact(1.0) == 0
    freed = session.compact()
    assert session.dead_bytes == 0
    assert freed == before - session.nbytes > 0
    names = bench.files()
    assert session.compact() == 0
    assert bench.files() == names
    for look in (session, bench.reopen(), bench.reopen(bench.lose_catalog)):
        assert look.read_state() == {"a": 1}
        assert [info.id for info in look.infos()] == [n for n in range(1, 29) if n % 3 != 1]
        for info in look.infos():
            assert_same(look.read(info.id), make_encoded(info.id))


def test_the_only_segment_can_be_compacted(bench, make_encoded):
    for block_id in (1, 2, 3):
        bench.session.write(make_encoded(block_id))
    bench.session.remove([2], reason="test")
    assert bench.session.compact() > 0
    assert bench.session.dead_bytes == 0
    assert bench.files() == ["blocks-000002.seg"]
    assert bench.ids() == [1, 3]


def test_compaction_does_not_copy_damage(bench, make_encoded, assert_same):
    for block_id in (1, 2, 3, 4):
        bench.session.write(make_encoded(block_id))
    bench.session.remove([2], reason="test")
    bench.session.sync()
    place = bench.session._ledger.blocks[3].place
    file = bench.folder / place.segment.file_name
    data = bytearray(file.read_bytes())
    data[place.end - 1] ^= 1
    file.write_bytes(data)
    bench.session.compact()
    assert bench.session.damaged == 1
    assert bench.ids() == [1, 4]
    assert_same(bench.session.read(4), make_encoded(4))


def test_how_often_blocks_were_recalled_is_kept(bench, make_encoded):
    for block_id in (1, 2, 3):
        bench.session.write(make_encoded(block_id))
    bench.session.touch([2, 3])
    bench.session.touch([3, 99])
    bench.session.set_thumbnail(1, b"x" * 50)
    bench.reopen()
    candidates = bench.session.candidates()
    assert [candidate.recalled for candidate in candidates] == [0, 1, 2]
    assert [candidate.info.id for candidate in candidates] == [1, 2, 3]
    assert [candidate.nbytes for candidate in candidates] == [bench.session.nbytes_of(n) for n in (1, 2, 3)]
    assert 50 < candidates[0].nbytes - candidates[1].nbytes < 150
    with pytest.raises(KeyError):
        bench.session.nbytes_of(4)


def test_state_and_thumbnails_survive_the_catalog(bench, make_encoded):
    assert bench.session.read_state() == {}
    bench.session.write(make_encoded(1))
    bench.session.set_thumbnail(1, b"old")
    bench.session.set_thumbnail(1, b"new")
    bench.session.write_state({"next": 1})
    bench.session.write_state({"next": 2, "text": "\n\0é"})
    with pytest.raises(KeyError):
        bench.session.set_thumbnail(2, b"nobody's")
    for between in (None, bench.lose_catalog):
        bench.reopen(between)
        assert bench.session.read_state() == {"next": 2, "text": "\n\0é"}
        assert bench.session.thumbnail(1) == b"new"
        assert bench.session.thumbnail(2) is None
    with pytest.raises(MemoryStoreError) as caught:
        bench.session.write_state({"x": {1, 2}})
    assert caught.value.param == "state"


def test_only_what_was_synced_is_in_the_catalog(bench, make_encoded):
    bench.session.write(make_encoded(1))
    bench.session.sync()
    bench.session.write(make_encoded(2))
    bench.session.remove([1], reason="test")
    assert bench.ids() == [2]
    assert [info.id for info in bench.store.inspect(bench.key).infos()] == [1]
    bench.session.sync()
    assert [info.id for info in bench.store.inspect(bench.key).infos()] == [2]


def test_data_is_on_disk_before_the_catalog_speaks_of_it(
    tmp_path, key, fingerprint, make_encoded, monkeypatch
):
    store = MemoryStore(tmp_path)
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    session.write(make_encoded(2), journal=True)
    steps = []
    fdatasync, commit = os.fdatasync, catalog_module.Catalog.commit
    monkeypatch.setattr(os, "fdatasync", lambda fd: (steps.append("data"), fdatasync(fd)))
    monkeypatch.setattr(
        catalog_module.Catalog, "commit", lambda *rest: (steps.append("catalog"), commit(*rest))
    )
    session.sync()
    assert steps == ["data", "data", "catalog"]
    store.close()


@pytest.mark.parametrize("journal", [False, True])
def test_a_full_disk_loses_nothing(bench, make_encoded, assert_same, monkeypatch, journal):
    bench.session.write(make_encoded(1), journal=journal)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for block_id in (1, 2):
            with pytest.raises(MemoryStoreError, match="No space left") as caught:
                bench.session.write(make_encoded(block_id, 1, tokens=500), journal=journal)
            assert caught.value.param == "dir"
        with pytest.raises(MemoryStoreError):
            bench.session.write_state({"a": 1})
        assert_same(bench.session.read(1), make_encoded(1))
        bench.session.sync()
    assert bench.ids() == [1]
    assert bench.session.read_state() == {}
    bench.session.write(make_encoded(2), journal=journal)
    bench.session.check_integrity()
    bench.reopen()
    assert bench.ids() == [1, 2]
    assert bench.session.verify() == []


def test_room_can_be_made_on_a_full_disk(bench, make_encoded, monkeypatch):
    for block_id in range(1, 20):
        bench.session.write(make_encoded(block_id))
    bench.session.sync()
    before = bench.session.nbytes
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        bench.session.remove(range(1, 15), reason="budget")
        bench.session.sync()
        assert bench.session.nbytes < before / 2
        with pytest.raises(MemoryStoreError):
            bench.session.compact()
        assert bench.ids() == [15, 16, 17, 18, 19]
    bench.session.sync()
    bench.reopen(bench.lose_catalog)
    assert bench.ids() == [15, 16, 17, 18, 19]


def test_a_catalog_that_cannot_be_written_is_told_later(bench, make_encoded, monkeypatch):
    bench.session.write(make_encoded(1))
    bench.session.sync()
    bench.session.write(make_encoded(2))
    bench.session.remove([1], reason="test")

    def broken(catalog, changes):
        raise MemoryStoreError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(catalog_module.Catalog, "commit", broken)
        with pytest.raises(MemoryStoreError, match="full"):
            bench.session.sync()
    assert [info.id for info in bench.store.inspect(bench.key).infos()] == [1]
    bench.session.sync()
    assert [info.id for info in bench.store.inspect(bench.key).infos()] == [2]


def test_a_closed_session_takes_nothing(bench, make_encoded):
    bench.session.write(make_encoded(1))
    bench.session.close()
    bench.session.close()
    for call in (
        lambda: bench.session.write(make_encoded(2)),
        lambda: bench.session.remove([1], reason="test"),
        lambda: bench.session.write_state({}),
        bench.session.sync,
        bench.session.compact,
    ):
        with pytest.raises(MemoryStoreError, match="is closed"):
            call()
    assert bench.store.open(bench.key, None).read(1).id == 1


def test_readers_beside_a_writer_and_compaction_see_whole_blocks(bench, make_encoded, assert_same):
    session, done, wrong = bench.session, threading.Event(), []
    for block_id in range(1, 11):
        session.write(make_encoded(block_id))
    session.sync()

    def check(view):
        try:
            while not done.is_set():
                for entry in view.heads(range(1, 11)):
                    encoded = view.read(entry.info.id)
                    version = int(encoded.info.text.partition(".")[2])
                    assert_same(encoded, make_encoded(entry.info.id, version))
        except BaseException as error:
            wrong.append(error)

    views = [session, session, bench.store.inspect(bench.key)]
    readers = [threading.Thread(target=check, args=(view,)) for view in views]
    for reader in readers:
        reader.start()
    for version in range(1, 25):
        for block_id in range(1, 11):
            session.write(make_encoded(block_id, version), journal=version % 3 == 0)
        session.sync()
        if version % 4 == 0:
            session.compact()
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert session.damaged == 0
    session.check_integrity()


def test_a_torn_tail_is_cut_off_and_said(bench, make_encoded, assert_same, caplog, monkeypatch):
    bench.session.write(make_encoded(1))
    copy = bench.root.with_name("copy")
    bench.session.sync()
    bench.session.write(make_encoded(2))
    bench.session.write(make_encoded(3, tokens=40))
    shutil.copytree(bench.root, copy)
    [file] = copy.rglob("blocks-*.seg")
    os.truncate(file, file.stat().st_size - 1)
    store = MemoryStore(copy, segment_bytes=4_000)
    session = store.open(bench.key, bench.fingerprint)
    assert [info.id for info in session.infos()] == [1, 2]
    assert (session.recovery.records, session.recovery.torn) == (1, 1)
    assert session.recovery.torn_bytes > 100
    assert session.damaged == 0
    session.write(make_encoded(3, 1))
    assert_same(session.read(3), make_encoded(3, 1))
    assert session.verify() == []
    store.close()


def test_a_tail_whose_bytes_did_not_reach_the_disk_is_not_served(bench, make_encoded):
    """After a loss of power a file may have its size but not its content."""
    bench.session.write(make_encoded(1))
    bench.session.sync()
    for block_id in (2, 3):
        bench.session.write(make_encoded(block_id))
    place = bench.session._ledger.blocks[2].place
    copy = bench.root.with_name("copy")
    shutil.copytree(bench.root, copy)
    [file] = copy.rglob("blocks-*.seg")
    data = bytearray(file.read_bytes())
    data[place.end - place.body_length : place.end] = bytes(place.body_length)
    file.write_bytes(data)
    store = MemoryStore(copy, segment_bytes=4_000)
    session = store.open(bench.key, bench.fingerprint)
    assert [info.id for info in session.infos()] == [1, 3]
    assert session.recovery.stretches == 1
    session.check_integrity()
    store.close()


def test_blocks_whose_bytes_are_gone_are_counted(bench, make_encoded):
    for block_id in range(1, 15):
        bench.session.write(make_encoded(block_id))
    bench.session.sync()
    first, second, *_, last = bench.files("blocks")

    def damage():
        (bench.folder / first).unlink()
        os.truncate(bench.folder / second, (bench.folder / second).stat().st_size // 2)

    bench.reopen(damage)
    kept = bench.ids()
    assert 3 < len(kept) < 14
    assert bench.session.recovery.lost == bench.session.damaged == 14 - len(kept)
    bench.session.check_integrity()
    for block_id in range(1, 15):
        if block_id in kept:
            assert bench.session.read(block_id).id == block_id
        else:
            with pytest.raises(KeyError):
                bench.session.read(block_id)
    assert {damage.block_id for damage in bench.session.verify()} == set(range(1, 15)) - set(kept)
    bench.session.write(make_encoded(1, 1))
    assert bench.session.read(1).info.text == "thing 1.1"
    bench.reopen()
    assert bench.ids() == [1, *kept]
    assert bench.session.damaged == 14 - len(kept)
    assert last in bench.files("blocks")
