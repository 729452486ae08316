"""The catalog: one SQLite database over all sessions of a store; an index, which the segments can rebuild."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TypeAlias, TypeVar

from memory.store.identity import Fingerprint, SessionKey
from memory.store.ledger import Ledger
from memory.store.row import Changes, SegmentId, SessionRow
from memory.store.schema import (
    APPLICATION_ID,
    TABLES,
    VERSION,
    Values,
    block_row,
    block_values,
    extra_row,
    extra_values,
    segment_row,
    segment_values,
    session_row,
    session_values,
)
from streams.errors import MemoryStoreError

BUSY_S = 10.0
_SURROUNDINGS = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
"""Errors that say nothing about the file's content."""

T = TypeVar("T")
Entries: TypeAlias = list[tuple[Values, Values | None]]
"""Rows by the columns that tell them apart; None for one that is gone."""


class CatalogDamagedError(MemoryStoreError):
    """The database, or a session's rows in it, are not what was written."""

    code = "catalog_damaged"


class Catalog:
    """Safe to use from several threads, and by several processes at a time."""

    def __init__(self, file: Path, *, durable: bool) -> None:
        """Creates the database when there is none; ``durable``: a commit outlives the machine's power where
        something is deleted because of it.

        Raises CatalogDamagedError, and MemoryStoreError when the file cannot be had or, with code
        ``store_version``, is of a later format.
        """
        self._file = file
        self._durable = durable
        self._lock = RLock()
        self._db = self._connect()
        try:
            with self._errors():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def sessions(self) -> list[SessionRow]:
        return self._rows("SELECT * FROM sessions ORDER BY tenant, name", (), session_row)

    def find(self, key: SessionKey) -> SessionRow | None:
        query = "SELECT * FROM sessions WHERE tenant = ? AND name = ?"
        return next(iter(self._rows(query, (key.tenant, key.name), session_row)), None)

    def add(self, key: SessionKey, fingerprint: Fingerprint, now_us: int) -> SessionRow:
        """A new session, created ``now_us`` after 1970."""
        with self._transaction():
            (highest,) = self._db.execute("SELECT coalesce(max(id), 0) FROM sessions").fetchone()
            row = SessionRow(highest + 1, key, fingerprint, now_us, now_us)
            self._insert("sessions", [session_values(row)])
        return row

    def load(self, session: SessionRow) -> Ledger:
        """All rows of a session. Raises CatalogDamagedError when one is not what was written."""
        where = (session.id,)
        with self._lock:
            self._db.execute("BEGIN")
            try:
                blocks = self._rows("SELECT * FROM blocks WHERE session = ?", where, block_row)
                extras = self._rows("SELECT * FROM extras WHERE session = ?", where, extra_row)
                segments = self._rows("SELECT * FROM segments WHERE session = ?", where, segment_row)
            finally:
                self._db.execute("ROLLBACK")
        try:
            return Ledger(session, blocks, extras, segments)
        except MemoryStoreError as error:
            raise CatalogDamagedError(f"session {session.key}: {error.message}", param="catalog") from error

    def totals(self, session_id: int) -> tuple[int, int, int, int, int]:
        """Blocks, tokens, first and last microsecond, and bytes of segment files."""
        blocks = "SELECT count(*), sum(tokens), min(start_us), max(end_us) FROM blocks"
        with self._lock, self._errors():
            counts = self._db.execute(f"{blocks} WHERE session = ? AND NOT damaged", (session_id,)).fetchone()
        count, tokens, start_us, end_us = (value or 0 for value in counts)
        return count, tokens, start_us, end_us, self.nbytes(session_id)

    def nbytes(self, session_id: int) -> int:
        """Bytes of a session's segment files."""
        with self._lock, self._errors():
            query = "SELECT sum(bytes) FROM segments WHERE session = ?"
            (size,) = self._db.execute(query, (session_id,)).fetchone()
        return size or 0

    def commit(self, changes: Changes) -> None:
        """All of ``changes`` or, when it raises MemoryStoreError, none.

        Changes that let go of a segment are on the disk when this returns.
        """
        session = changes.session.id
        blocks: Entries = [
            ((block_id,), None if row is None else block_values(session, row))
            for block_id, row in changes.blocks.items()
        ]
        extras: Entries = [
            ((int(kind), block_id), None if row is None else extra_values(session, row))
            for (kind, block_id), row in changes.extras.items()
        ]
        segments: Entries = [
            ((str(segment.stream), segment.number), None if row is None else segment_values(session, row))
            for segment, row in changes.segments.items()
        ]
        with self._lock, self._synchronous(full=bool(changes.obsolete)), self._transaction():
            if changes.whole:
                self._forget_rows(session)
            self._insert("sessions", [session_values(changes.session)])
            self._update("blocks", "id = ?", session, blocks)
            self._update("extras", "kind = ? AND block = ?", session, extras)
            self._update("segments", "stream = ? AND number = ?", session, segments)

    def drop_segments(self, session_id: int, segments: Sequence[SegmentId]) -> None:
        """Forget segments whose files are gone."""
        with self._transaction():
            gone: Entries = [((str(segment.stream), segment.number), None) for segment in segments]
            self._update("segments", "stream = ? AND number = ?", session_id, gone)

    def forget(self, session_id: int) -> None:
        with self._transaction():
            self._forget_rows(session_id)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self._file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise MemoryStoreError(f"{self._file.name} cannot be opened: {error}", param="dir") from error

    def _prepare(self) -> None:
        """Settings, then the tables: made when the file is new, else compared with what they should be."""
        self._db.execute("PRAGMA trusted_schema = OFF")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        if application == APPLICATION_ID and version > VERSION:
            problem = f"{self._file.name} has format {version}; this program reads {VERSION}"
            raise MemoryStoreError(problem, param="dir", code="store_version")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {self._level(full=False)}")
        with self._transaction():
            tables = self._tables()
            if not tables and not version:
                for statement in TABLES.values():
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")
                tables = self._tables()
                version, application = VERSION, APPLICATION_ID
            if tables != TABLES or (version, application) != (VERSION, APPLICATION_ID):
                raise CatalogDamagedError(f"{self._file.name} has other tables than it should", param="dir")
            # Written, not only read: a file whose header says that it is not to be is damaged, too.
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        # Indexes as well, which a quick check leaves out, and which a later write would fail on.
        (verdict,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise CatalogDamagedError(f"{self._file.name} is damaged: {verdict}", param="dir")
        self.sessions()

    def _tables(self) -> dict[str, str]:
        """Everything that is defined in the database, indexes that come with a table aside."""
        rows = self._db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return dict(rows.fetchall())

    def _rows(self, query: str, values: Values, convert: Callable[[Sequence[object]], T]) -> list[T]:
        with self._lock:
            try:
                return [convert(row) for row in self._db.execute(query, values)]
            except sqlite3.Error as error:
                raise self._error(error) from error
            except (MemoryStoreError, ValueError) as error:
                raise CatalogDamagedError(f"{self._file.name}: {error}", param="dir") from error

    def _insert(self, table: str, rows: Sequence[Values]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)

    def _update(self, table: str, key: str, session: int, entries: Entries) -> None:
        gone = [(session, *values) for values, row in entries if row is None]
        self._db.executemany(f"DELETE FROM {table} WHERE session = ? AND {key}", gone)
        self._insert(table, [row for _, row in entries if row is not None])

    def _forget_rows(self, session_id: int) -> None:
        for table in TABLES:
            column = "id" if table == "sessions" else "session"
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (session_id,))

    def _level(self, *, full: bool) -> str:
        return ("FULL" if full else "NORMAL") if self._durable else "OFF"

    @contextmanager
    def _synchronous(self, *, full: bool) -> Iterator[None]:
        """Every commit in WAL mode survives the process; a ``full`` one the machine too."""
        if not full:
            yield
            return
        with self._errors():
            self._db.execute(f"PRAGMA synchronous = {self._level(full=True)}")
        try:
            yield
        finally:
            with self._errors():
                self._db.execute(f"PRAGMA synchronous = {self._level(full=False)}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> MemoryStoreError:
        if says_nothing_of_content(error, self._file):
            return MemoryStoreError(f"{self._file.name} cannot be used: {error}", param="dir")
        return CatalogDamagedError(f"{self._file.name} is damaged: {error}", param="dir")


def says_nothing_of_content(error: Exception, file: Path) -> bool:
    """Whether ``error`` came about because of what is around ``file``: a lock, a disk that fails."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    read_only = code == sqlite3.SQLITE_READONLY and not os.access(file, os.W_OK)
    closed = isinstance(error, sqlite3.ProgrammingError)
    return code in _SURROUNDINGS or read_only or closed
