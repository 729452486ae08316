import json
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.store import schema, segment
from memory.store.identity import CATALOG, Fingerprint, SessionKey
from memory.store.store import MemoryStore
from streams.errors import MemoryStoreError


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def open_store(folder):
    stores = []

    def open_one():
        stores.append(MemoryStore(folder, segment_bytes=4_000, sync=False))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "a b", "é", "a\n", "a" * 129, "a\0", None, 3])
def test_names_that_are_no_folders_are_refused(name):
    with pytest.raises(MemoryStoreError) as caught:
        SessionKey("acme", name)
    assert caught.value.param == "session"
    with pytest.raises(MemoryStoreError) as caught:
        SessionKey(name, "door")
    assert caught.value.param == "tenant"


@given(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", fullmatch=True))
def test_other_names_are_taken(name):
    assert SessionKey("acme", name).name == name


def test_a_tenant_cannot_be_called_as_the_catalog_is():
    with pytest.raises(MemoryStoreError):
        SessionKey(f"{CATALOG}-wal", "door")


def test_sessions_are_listed_as_they_are(open_store, fingerprint, make_encoded):
    store = open_store()
    first, second = SessionKey("b", "one"), SessionKey("a", "two")
    for key in (first, second):
        store.open(key, fingerprint)
    session = store._open[first]
    assert session.is_new
    for block_id in (3, 4, 5):
        session.write(make_encoded(block_id))
    session.remove([4], reason="test")
    session.sync()
    empty, full = store.sessions()
    assert (empty.key, empty.blocks, empty.tokens) == (second, 0, 0)
    assert (full.key, full.fingerprint) == (first, fingerprint)
    assert (full.blocks, full.tokens, full.removed, full.damaged) == (2, 6, 1, 0)
    assert (full.start_us, full.end_us) == (3_000_000, 6_000_000)
    assert full.nbytes == session.nbytes
    assert store.nbytes == session.nbytes + empty.nbytes
    assert 0 < full.created_us <= full.last_used_us
    session.close()
    assert store.nbytes == full.nbytes + empty.nbytes
    assert not store.open(first, fingerprint).is_new


def test_a_session_of_another_model_is_refused_by_name(open_store, key, fingerprint):
    store = open_store()
    store.open(key, fingerprint).close()
    other = replace(fingerprint, model="smollm", model_hash="c" * 64)
    for changed, wanted in (
        (other, "tiny-llama.*smollm"),
        (replace(fingerprint, layers=3), "2 layers.*3 layers"),
        (replace(fingerprint, tokenizer_hash="c" * 64), "tokenizer"),
    ):
        with pytest.raises(MemoryStoreError, match=wanted) as caught:
            store.open(key, changed)
        assert caught.value.code == "model_mismatch"
        assert caught.value.param == "session"
    store.open(key, replace(fingerprint, model="the same by another name")).close()
    assert store.open(key, None).fingerprint == fingerprint


def test_a_session_is_open_once(open_store, key, fingerprint, make_encoded):
    store, other = open_store(), open_store()
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    session.sync()
    for one in (store, other):
        for call in (lambda one=one: one.open(key, fingerprint), lambda one=one: one.remove(key)):
            with pytest.raises(MemoryStoreError, match=r"acme/door.cam-1 is open elsewhere") as caught:
                call()
            assert caught.value.code == "session_in_use"
    view = other.inspect(key)
    assert view.read(1).id == 1
    assert other.sessions()[0].blocks == 1
    session.close()
    assert other.open(key, fingerprint).read(1).id == 1


def test_what_is_not_there_is_said(open_store, key):
    store = open_store()
    for call in (lambda: store.open(key, None), lambda: store.inspect(key), lambda: store.remove(key)):
        with pytest.raises(MemoryStoreError) as caught:
            call()
        assert caught.value.code == "session_not_found"
    assert store.sessions() == []
    assert store.nbytes == 0


def test_a_removed_session_is_gone(open_store, folder, key, fingerprint, make_encoded):
    store = open_store()
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    session.close()
    store.remove(key)
    assert store.sessions() == []
    assert list((folder / key.tenant).iterdir()) == []
    again = store.open(key, fingerprint)
    assert again.is_new
    assert again.infos() == []


def test_a_removal_that_was_interrupted_is_finished(open_store, folder, key, fingerprint, make_encoded):
    store = open_store()
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    store.close()
    (folder / key.tenant / key.name).rename(folder / key.tenant / f".removed-{key.name}-1")
    store = open_store()
    assert store.sessions() == []
    assert list((folder / key.tenant).iterdir()) == []


def test_a_view_sees_through_compaction(open_store, key, fingerprint, make_encoded, assert_same):
    store, other = open_store(), open_store()
    session = store.open(key, fingerprint)
    for block_id in range(1, 20):
        session.write(make_encoded(block_id))
    session.sync()
    view = other.inspect(key)
    session.remove(range(1, 20, 2), reason="test")
    session.sync()
    session.compact()
    for block_id in range(2, 20, 2):
        assert_same(view.read(block_id), make_encoded(block_id))
    assert [entry.info.id for entry in view.heads(range(20))] == list(range(2, 20, 2))
    assert view.verify() == []


OTHER_PROCESS = """
import os, sys
from pathlib import Path
from memory.store.identity import Fingerprint, SessionKey
from memory.store.store import MemoryStore

store = MemoryStore(Path(sys.argv[1]), segment_bytes=4_000)
session = store.open(SessionKey("acme", "door.cam-1"), Fingerprint("m", "h", "t", 2, 2, 4))
session.write_state({"from": "there"})
session.sync()
print("open", flush=True)
sys.stdin.readline()
os._exit(9)
"""


def test_two_processes(open_store, folder, key):
    command = [sys.executable, "-c", OTHER_PROCESS, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"open\n"
    store = open_store()
    with pytest.raises(MemoryStoreError) as caught:
        store.open(key, None)
    assert caught.value.code == "session_in_use"
    assert store.inspect(key).read_state() == {"from": "there"}
    process.communicate(b"die\n")
    assert process.returncode == 9
    session = store.open(key, None)
    assert not session.is_new
    assert session.read_state() == {"from": "there"}


def test_a_closed_store_does_nothing_more(open_store, key, fingerprint):
    store = open_store()
    store.close()
    store.close()
    for call in (store.sessions, lambda: store.open(key, fingerprint), lambda: store.inspect(key)):
        with pytest.raises(MemoryStoreError, match="cannot be used"):
            call()


def test_a_missing_catalog_is_rebuilt(open_store, folder, fingerprint, make_encoded, assert_same):
    store = open_store()
    keys = [SessionKey("a", "one"), SessionKey("b", "two")]
    for number, key in enumerate(keys, 1):
        session = store.open(key, fingerprint)
        for block_id in range(1, 10):
            session.write(make_encoded(block_id, number))
        session.touch([3])
    before = store.sessions()
    store.close()
    for file in folder.glob(f"{CATALOG}*"):
        file.unlink()
    store = open_store()
    after = store.sessions()
    assert [one.key for one in after] == keys
    for one, other in zip(before, after, strict=True):
        changes = {"last_used_us": 0, "blocks": 9, "tokens": 27, "start_us": 10**6, "end_us": 10**7}
        assert replace(one, **changes, nbytes=other.nbytes) == replace(other, last_used_us=0)
    for number, key in enumerate(keys, 1):
        session = store.open(key, fingerprint)
        for block_id in range(1, 10):
            assert_same(session.read(block_id), make_encoded(block_id, number))


def test_a_session_copied_into_the_folder_is_found(open_store, folder, key, fingerprint, make_encoded):
    store = open_store()
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    store.close()
    for file in folder.glob(f"{CATALOG}*"):
        file.unlink()
    other = MemoryStore(folder.with_name("other"), sync=False)
    other.close()
    (folder / key.tenant).rename(folder.with_name("other") / key.tenant)
    other = MemoryStore(folder.with_name("other"), sync=False)
    assert other.open(key, fingerprint).read(1).id == 1
    other.close()


def test_a_segment_of_another_session_is_left_alone(open_store, folder, key, fingerprint, make_encoded):
    store = open_store()
    other = SessionKey("acme", "other")
    for number, one in enumerate((key, other), 1):
        session = store.open(one, fingerprint)
        session.write(make_encoded(number))
    store.close()
    stray = folder / key.tenant / key.name / "blocks-000007.seg"
    (folder / other.tenant / other.name / "blocks-000001.seg").rename(stray)
    session = open_store().open(key, fingerprint)
    assert [info.id for info in session.infos()] == [1]
    session.write(make_encoded(3, tokens=400))
    session.write(make_encoded(4))
    session.sync()
    assert stray.exists()
    assert (folder / key.tenant / key.name / "blocks-000008.seg").exists()


def damage_catalog(folder, statement, values=()):
    with sqlite3.connect(folder / CATALOG) as db:
        db.execute(statement, values)
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE blocks",
        "CREATE TABLE more (x)",
        "CREATE TRIGGER t AFTER INSERT ON blocks BEGIN DELETE FROM blocks; END",
        "PRAGMA application_id = 3",
        "PRAGMA user_version = 0",
        "UPDATE sessions SET fingerprint = '{}'",
        "UPDATE sessions SET removed = 7",
        "UPDATE blocks SET text = 'a lie' WHERE id = 3",
        "UPDATE blocks SET position = position + 1 WHERE id = 3",
        "UPDATE blocks SET segment = 99, crc = crc WHERE id = 3",
        "UPDATE segments SET live = live + 1",
        "DELETE FROM blocks WHERE id = 3",
        "DELETE FROM segments WHERE number = 1",
        "UPDATE extras SET sequence = 1",
    ],
)
def test_a_catalog_that_says_something_else_is_rebuilt(
    open_store, folder, key, fingerprint, make_encoded, assert_same, statement
):
    store = open_store()
    session = store.open(key, fingerprint)
    for block_id in range(1, 20):
        session.write(make_encoded(block_id))
    session.set_thumbnail(2, b"two")
    session.remove([5], reason="test")
    store.close()
    damage_catalog(folder, statement)
    store = open_store()
    view = store.inspect(key)
    session = store.open(key, fingerprint)
    for look in (view, session):
        assert [info.id for info in look.infos()] == [n for n in range(1, 20) if n != 5]
        for info in look.infos():
            assert_same(look.read(info.id), make_encoded(info.id))
        assert look.thumbnail(2) == b"two"
        assert look.removed == 1
    session.check_integrity()
    assert session.verify() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "smell"),
        ("start_us", 10**15),
        ("tokens", -1),
        ("head_length", -1),
        ("stream", "x"),
        ("segment", -1),
    ],
)
def test_a_catalog_that_is_wrong_with_right_checksums_is_rebuilt(
    open_store, folder, key, fingerprint, make_encoded, column, value
):
    store = open_store()
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    store.close()
    with sqlite3.connect(folder / CATALOG) as db:
        db.row_factory = sqlite3.Row
        row = dict(db.execute("SELECT * FROM blocks").fetchone()) | {column: value}
        del row["crc"]
        db.execute(f"UPDATE blocks SET {column} = ?, crc = ?", (value, schema.sealed(*row.values())[-1]))
    db.close()
    session = open_store().open(key, fingerprint)
    assert session.read(1).info == make_encoded(1).info


@pytest.mark.parametrize(
    "content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 200, b"\0" * 5_000]
)
def test_a_catalog_that_is_none_is_kept_and_rebuilt(
    open_store, folder, key, fingerprint, make_encoded, assert_same, content
):
    store = open_store()
    session = store.open(key, fingerprint)
    session.write(make_encoded(1))
    store.close()
    (folder / CATALOG).write_bytes(content)
    session = open_store().open(key, fingerprint)
    assert_same(session.read(1), make_encoded(1))
    if content:
        assert (folder / f"{CATALOG}.damaged-1").read_bytes() == content


def test_a_catalog_that_lies_with_right_checksums_is_not_believed(
    open_store, folder, key, fingerprint, make_encoded
):
    """Of block 1 it points at an older record, block 2 it describes otherwise."""
    store = open_store()
    session = store.open(key, fingerprint)
    older = make_encoded(1)
    session.write(older)
    old_place = session._ledger.blocks[1].place
    session.write(replace(make_encoded(1, 1), info=older.info))
    session.write(make_encoded(2))
    store.close()
    with sqlite3.connect(folder / CATALOG) as db:
        db.row_factory = sqlite3.Row
        for row in [dict(row) for row in db.execute("SELECT * FROM blocks")]:
            change = {"position": old_place.position} if row["id"] == 1 else {"text": "a lie"}
            values = [value for name, value in (row | change).items() if name != "crc"]
            marks = ", ".join("?" * (len(values) + 1))
            db.execute(f"REPLACE INTO blocks VALUES ({marks})", schema.sealed(*values))
    db.close()
    session = open_store().open(key, fingerprint)
    for read in (session.read, session.read_head):
        for block_id in (1, 2):
            with pytest.raises((MemoryStoreError, KeyError)):
                read(block_id)
    assert session.damaged == 2


def test_a_damaged_catalog_is_not_taken_from_under_others(open_store, folder):
    open_store()
    for file in folder.glob(f"{CATALOG}-*"):
        file.unlink()
    for damage in (lambda file: file.write_bytes(b"junk" * 5_000), lambda file: file.unlink()):
        damage(folder / CATALOG)
        with pytest.raises(MemoryStoreError, match="when nobody else uses the store") as caught:
            open_store()
        assert caught.value.code == "store_in_use"


def test_a_store_of_a_later_version_is_refused_by_name(open_store, folder, key, fingerprint, monkeypatch):
    store = open_store()
    with monkeypatch.context() as patch:
        patch.setattr(segment, "SEGMENT_VERSION", 7)
        store.open(key, fingerprint)
    store.close()
    damage_catalog(folder, "PRAGMA user_version = 9")
    with pytest.raises(MemoryStoreError, match="format 9; this program reads 2") as caught:
        open_store()
    assert caught.value.code == "store_version"
    assert not list(folder.glob("*.damaged*"))
    (folder / CATALOG).unlink()
    with pytest.raises(MemoryStoreError, match="format 7; this program reads 1"):
        open_store()


def test_a_folder_that_cannot_be_used_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MemoryStoreError) as caught:
        MemoryStore(tmp_path / "file" / "store")
    assert caught.value.param == "dir"


JUNK = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2), max_leaves=3
)


@given(st.dictionaries(st.sampled_from([*Fingerprint.__dataclass_fields__, "x"]), JUNK) | JUNK)
def test_a_fingerprint_of_other_types_is_refused(value):
    with pytest.raises(MemoryStoreError):
        Fingerprint.from_json(value)


def test_a_fingerprint_comes_back(fingerprint):
    assert Fingerprint.from_json(json.loads(json.dumps(fingerprint.to_json()))) == fingerprint
