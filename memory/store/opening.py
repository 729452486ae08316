"""Opening what may have been left in any state: the catalog, and sessions with or without it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from memory.store.appender import Appender
from memory.store.catalog import Catalog, CatalogDamagedError
from memory.store.file_lock import FileLock
from memory.store.identity import CATALOG, Fingerprint, SessionKey
from memory.store.ledger import Ledger
from memory.store.recovery import Recovery, identify, recover, segment_files
from memory.store.row import SegmentId, SessionRow, Stream
from memory.store.segment import SegmentHeader
from memory.store.session_store import SessionStore
from memory.store.upgrade import upgrade
from streams.errors import KeptSessionError, MemoryStoreError
from streams.log import get_logger

log = get_logger(__name__)

TRASH = ".removed-"
"""What the folder of a session begins with while it is being deleted; no session is called that."""
_NS_PER_US = 1_000


def open_catalog(root: Path, *, alone: bool, durable: bool) -> Catalog:
    """The store's catalog. One that is damaged is kept under another name and an empty one begun.

    ``alone``: nobody else uses the store; otherwise a missing or damaged catalog is refused. Raises
    MemoryStoreError, OSError.
    """
    file = root / CATALOG
    if not file.exists():
        if not alone:
            raise _in_use(file, "missing")
        _set_aside(file)
    if alone:
        upgrade(file)
    try:
        return Catalog(file, durable=durable)
    except CatalogDamagedError as error:
        if not alone:
            raise _in_use(file, error.message) from error
        kept = _set_aside(file)
        log.warning("memory.catalog_damaged", error=error.message, kept=str(kept))
        return Catalog(file, durable=durable)


class SessionOpener:
    """Finds sessions in a store's folder and opens them, under a lock that the caller holds."""

    def __init__(self, root: Path, catalog: Catalog, *, segment_bytes: int, durable: bool) -> None:
        self._root = root
        self._catalog = catalog
        self._segment_bytes = segment_bytes
        self._durable = durable

    def folder(self, key: SessionKey) -> Path:
        return self._root / key.tenant / key.name

    def lock(self, key: SessionKey) -> FileLock:
        """The session's lock. Raises KeptSessionError (``session_in_use``), OSError."""
        file = self.folder(key) / "lock"
        lock = FileLock.exclusive(file)
        if lock is not None and lock.holds(file):
            return lock
        if lock is not None:
            lock.release()
        raise KeptSessionError(f"session {key} is open elsewhere", param="session", code="session_in_use")

    def open(
        self, key: SessionKey, fingerprint: Fingerprint | None, release: Callable[[], None]
    ) -> SessionStore:
        """As ``MemoryStore.open``. Raises MemoryStoreError, OSError."""
        row, adopted = self._catalog.find(key), False
        if row is None:
            row, adopted = self._adopt(key), True
        is_new = row is None
        if row is None:
            if fingerprint is None:
                raise not_found(key)
            row = self._catalog.add(key, fingerprint, time.time_ns() // _NS_PER_US)
        elif fingerprint is not None and (problem := row.fingerprint.mismatch(fingerprint)):
            raise KeptSessionError(f"session {key} {problem}", param="session", code="model_mismatch")
        ledger, recovery = self._recover(row, bodies=not adopted, repair=True)
        segment = SegmentId(Stream.BLOCKS, 0)
        header = SegmentHeader(key, row.fingerprint, row.created_us, segment)
        sizes = {"segment_bytes": self._segment_bytes}
        appender = Appender(self.folder(key), header, ledger, **sizes, durable=self._durable)
        session = SessionStore(
            self.folder(key),
            ledger,
            self._catalog,
            appender,
            is_new=is_new,
            recovery=recovery,
            durable=self._durable,
            release=release,
        )
        try:
            if is_new:
                appender.create(Stream.BLOCKS)
            session.sync()
        except BaseException:
            appender.close()
            raise
        return session

    def view(self, key: SessionKey) -> Ledger:
        """What the catalog says of a session, or its segments if it says nothing sensible."""
        row = self._catalog.find(key)
        if row is None or not self.folder(key).is_dir():
            raise not_found(key)
        try:
            return self._catalog.load(row)
        except CatalogDamagedError:
            return self._recover(row, bodies=False, repair=False)[0]

    def tidy(self) -> None:
        """Finish what was interrupted, and enter sessions that the catalog does not know.

        Only while nobody else uses the store. Raises MemoryStoreError (``store_version``), OSError.
        """
        known = set()
        for row in self._catalog.sessions():
            known.add(row.key)
            if not self.folder(row.key).is_dir():
                log.warning("memory.session_vanished", session=str(row.key))
                self._catalog.forget(row.id)
        for folder in self._session_folders():
            if folder.name.startswith(TRASH):
                shutil.rmtree(folder)
                continue
            try:
                key = SessionKey(folder.parent.name, folder.name)
                if key not in known and segment_files(folder):
                    self._enter(key)
            except MemoryStoreError as error:
                if error.code == "store_version":
                    raise
                log.warning("memory.session_unreadable", folder=str(folder), error=error.message)

    def _session_folders(self) -> Iterator[Path]:
        for tenant in sorted(self._root.iterdir()):
            if tenant.is_dir() and not tenant.is_symlink() and not tenant.name.startswith("."):
                yield from (folder for folder in sorted(tenant.iterdir()) if folder.is_dir())

    def _enter(self, key: SessionKey) -> None:
        lock = self.lock(key)
        try:
            session = self.open(key, None, lambda: None)
            log.warning("memory.session_entered", session=str(key), blocks=len(session.infos()))
            session.close()
        finally:
            lock.release()

    def _adopt(self, key: SessionKey) -> SessionRow | None:
        """A row for a session that only its segments tell of; None when there are none."""
        folder = self.folder(key)
        header = identify(folder, key)
        if header is not None:
            return self._catalog.add(key, header.fingerprint, header.created_us)
        if segment_files(folder):
            problem = f"session {key} has segments, but none says whole which model wrote it"
            raise KeptSessionError(problem, param="session")
        return None

    def _recover(self, row: SessionRow, *, bodies: bool, repair: bool) -> tuple[Ledger, Recovery]:
        """The session's ledger, from its segments alone when its rows in the catalog are damaged."""
        try:
            ledger = self._catalog.load(row)
        except CatalogDamagedError as error:
            log.warning("memory.session_rebuilt", session=str(row.key), error=error.message)
            ledger, bodies = Ledger(row), False
            ledger.make_whole()
        return ledger, recover(
            self.folder(row.key), ledger, bodies=bodies, repair=repair, durable=self._durable
        )


def not_found(key: SessionKey) -> KeptSessionError:
    return KeptSessionError(f"there is no session {key}", param="session", code="session_not_found")


def _in_use(file: Path, problem: str) -> MemoryStoreError:
    problem = f"{file} is {problem}; it can be rebuilt when nobody else uses the store"
    return MemoryStoreError(problem, param="dir", code="store_in_use")


def _set_aside(file: Path) -> Path:
    """Rename the database and its helper files. Raises OSError."""
    number = 1
    while (aside := file.with_name(f"{file.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
