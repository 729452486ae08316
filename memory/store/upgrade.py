"""Brings catalogs of earlier formats to the present one."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from memory.store.catalog import BUSY_S, says_nothing_of_content
from memory.store.schema import APPLICATION_ID, TABLES, VERSION, Values, sealed, unsealed
from streams.errors import MemoryStoreError

BEFORE_PICTURES = 1
_OFFSET = 8
"""Columns of format 1 up to a block's offset, behind which format 2 tells where its picture lies."""


def upgrade(file: Path) -> None:
    """Nothing else may use the catalog. What is no catalog of format 1 is left as it is.

    Blocks of format 1 have no pictures. All rows are changed or, if it is cut off, none. A row that is not
    what was written is carried over so, and costs only its own session the catalog's knowledge of it. Raises
    MemoryStoreError when the file cannot be had, or its disk fails.
    """
    try:
        db = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)
        try:
            # A text that cannot be read must not end this; its row's checksum tells.
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            _upgrade(db)
        finally:
            db.close()
    except sqlite3.Error as error:
        if says_nothing_of_content(error, file):
            raise MemoryStoreError(f"{file.name} cannot be used: {error}", param="dir") from error
        # Whoever opens it next says what is wrong with it.


def _upgrade(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if (application, version) != (APPLICATION_ID, BEFORE_PICTURES):
        return
    db.execute("BEGIN IMMEDIATE")
    rows = db.execute("SELECT * FROM blocks").fetchall()
    names = [f'"{column[1]}"' for column in db.execute("PRAGMA table_info(blocks)")]
    db.execute("ALTER TABLE blocks RENAME TO before")
    db.execute(TABLES["blocks"])
    columns = ", ".join((*names[:_OFFSET], "''", *names[_OFFSET:]))
    db.execute(f"INSERT INTO blocks SELECT {columns} FROM before")
    db.execute("DROP TABLE before")
    for row in rows:
        with suppress(MemoryStoreError):  # not what was written
            *values, crc = _with_grid(unsealed(row))
            db.execute("UPDATE blocks SET crc = ? WHERE session = ? AND id = ?", (crc, *values[:2]))
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


def _with_grid(row: Values) -> Values:
    return sealed(*row[:_OFFSET], "", *row[_OFFSET:])
