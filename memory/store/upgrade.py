"""Brings catalogs of earlier formats to the present one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from memory.store.schema import APPLICATION_ID, TABLES, VERSION, sealed, unsealed
from streams.errors import MemoryStoreError

BEFORE_PICTURES = 1
_OFFSET = 8
"""Columns of format 1 up to a block's offset, behind which format 2 tells where its picture lies."""


def upgrade(file: Path) -> None:
    """Nothing else may use the catalog. What is no whole catalog of format 1 is left as it is.

    Blocks of format 1 have no pictures. All rows are changed or, if it is cut off, none.
    """
    try:
        db = sqlite3.connect(file, isolation_level=None)
        try:
            _upgrade(db)
        finally:
            db.close()
    except (sqlite3.Error, ValueError, MemoryStoreError):
        return  # whoever opens it next says what is wrong with it


def _upgrade(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if (application, version) != (APPLICATION_ID, BEFORE_PICTURES):
        return
    db.execute("BEGIN IMMEDIATE")
    rows = [unsealed(row) for row in db.execute("SELECT * FROM blocks")]
    db.execute("DROP TABLE blocks")
    db.execute(TABLES["blocks"])
    marks = ", ".join("?" * (len(rows[0]) + 2)) if rows else ""
    for row in rows:
        db.execute(f"INSERT INTO blocks VALUES ({marks})", sealed(*row[:_OFFSET], "", *row[_OFFSET:]))
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")
