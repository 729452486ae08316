"""Stores from before there were pictures are opened as they are, and nothing in them is lost."""

import sqlite3
from dataclasses import replace

import pytest

from memory.block import Grid
from memory.store import schema
from memory.store.identity import CATALOG
from memory.store.store import MemoryStore
from streams.errors import MemoryStoreError

BEFORE_PICTURES = schema.TABLES["blocks"].replace("  grid TEXT NOT NULL,\n", "")
GRID_COLUMN = 8


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def open_store(folder):
    return MemoryStore(folder, segment_bytes=4_000, sync=False)


def make_old(folder):
    """The catalog as it was in format 1, with its checksums."""
    assert schema.TABLES["blocks"] != BEFORE_PICTURES
    with sqlite3.connect(folder / CATALOG) as db:
        rows = [schema.unsealed(row) for row in db.execute("SELECT * FROM blocks")]
        assert {row[GRID_COLUMN] for row in rows} <= {""}
        db.execute("DROP TABLE blocks")
        db.execute(BEFORE_PICTURES)
        for row in rows:
            values = schema.sealed(*row[:GRID_COLUMN], *row[GRID_COLUMN + 1 :])
            db.execute(f"INSERT INTO blocks VALUES ({', '.join('?' * len(values))})", values)
        db.execute("PRAGMA user_version = 1")
    db.close()


@pytest.mark.parametrize("count", [0, 12])
def test_an_old_store_goes_on(folder, key, fingerprint, make_encoded, assert_same, count):
    store = open_store(folder)
    session = store.open(key, fingerprint)
    for block_id in range(1, count + 1):
        session.write(make_encoded(block_id))
    if count:
        session.set_thumbnail(2, b"two")
        session.remove([5], reason="test")
    store.close()
    make_old(folder)

    store = open_store(folder)
    session = store.open(key, fingerprint)
    kept = [block_id for block_id in range(1, count + 1) if block_id != 5]
    assert [info.id for info in session.infos()] == kept
    for block_id in kept:
        assert_same(session.read(block_id), make_encoded(block_id))
    assert session.removed == (1 if count else 0)
    seen = make_encoded(30, tokens=9)
    seen = replace(seen, info=replace(seen.info, grid=Grid(1, 2, 3)))
    session.write(seen)
    store.close()
    assert not list(folder.glob("*.damaged*"))

    store = open_store(folder)
    session = store.open(key, fingerprint)
    assert session.infos()[-1] == seen.info
    assert_same(session.read(30), seen)
    store.close()


def make_two_sessions(folder, key, fingerprint, make_encoded):
    """An old store of two sessions with a block each; returns the second's key."""
    other = replace(key, name="other")
    store = open_store(folder)
    for name in (key, other):
        store.open(name, fingerprint).write(make_encoded(1))
    store.close()
    make_old(folder)
    return other


@pytest.mark.parametrize("damage", ["text = 'a lie'", "text = CAST(x'ff' AS TEXT)"])
def test_a_row_that_is_wrong_costs_no_other_session_anything(
    folder, key, fingerprint, make_encoded, assert_same, damage
):
    other = make_two_sessions(folder, key, fingerprint, make_encoded)
    with sqlite3.connect(folder / CATALOG) as db:
        db.execute(f"UPDATE blocks SET {damage} WHERE session = 1")
    db.close()
    store = open_store(folder)
    assert not list(folder.glob("*.damaged*"))
    for name in (key, other):
        session = store.open(name, fingerprint)
        assert_same(session.read(1), make_encoded(1))
        assert session.infos() == [make_encoded(1).info]
    store.close()


def test_an_old_catalog_that_cannot_be_written_now_is_kept_as_it_is(
    folder, key, fingerprint, make_encoded, assert_same, monkeypatch
):
    other = make_two_sessions(folder, key, fingerprint, make_encoded)
    monkeypatch.setattr("memory.store.upgrade.BUSY_S", 0.0)
    with sqlite3.connect(folder / CATALOG, isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryStoreError, match=r"catalog\.sqlite cannot be used: database is locked"):
            open_store(folder)
        db.execute("ROLLBACK")
    db.close()
    assert not list(folder.glob("*.damaged*"))
    store = open_store(folder)
    assert_same(store.open(other, fingerprint).read(1), make_encoded(1))
    store.close()


def test_what_is_no_database_is_rebuilt(folder, key, fingerprint, make_encoded, assert_same):
    other = make_two_sessions(folder, key, fingerprint, make_encoded)
    (folder / CATALOG).write_bytes(b"no database" * 1_000)
    store = open_store(folder)
    assert_same(store.open(other, fingerprint).read(1), make_encoded(1))
    assert list(folder.glob("*.damaged*"))
    store.close()
