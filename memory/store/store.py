"""All sessions of one folder: a catalog, and a folder of segment files each."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from threading import RLock

from memory.store.file_lock import FileLock
from memory.store.identity import Fingerprint, SessionKey, SessionSummary
from memory.store.opening import TRASH, SessionOpener, not_found, open_catalog
from memory.store.session_reader import SessionReader
from memory.store.session_store import SessionStore
from streams.errors import MemoryStoreError
from streams.log import get_logger

log = get_logger(__name__)

SEGMENT_BYTES = 64 * 1024**2
TRIAL_BYTES = 4_096


class MemoryStore:
    """Opens, lists and removes sessions. Safe to use from several threads; several processes may share it.

    ::

        catalog.sqlite
        TENANT/SESSION/lock
        TENANT/SESSION/blocks-000001.seg …
        TENANT/SESSION/journal-000001.seg …
    """

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, sync: bool = True) -> None:
        """Creates ``folder``. A catalog that is missing or damaged is rebuilt, unless others use the store.

        ``sync``: wait for the disk where something is promised. Raises MemoryStoreError; with code
        ``store_version`` when a later version of this program wrote what is here.
        """
        self._folder = folder
        self._open: dict[SessionKey, SessionStore] = {}
        self._lock = RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            alone = FileLock.exclusive(folder / ".lock")
            self._root = FileLock.shared(folder / ".lock") if alone is None else alone
        except OSError as error:
            raise _unusable(folder, error) from error
        try:
            self._catalog = open_catalog(folder, alone=alone is not None, durable=sync)
            sizes = {"segment_bytes": segment_bytes}
            self._opener = SessionOpener(folder, self._catalog, **sizes, durable=sync)
            if alone is not None:
                self._opener.tidy()
                alone.share()
        except OSError as error:
            self._root.release()
            raise _unusable(folder, error) from error
        except BaseException:
            self._root.release()
            raise

    @property
    def nbytes(self) -> int:
        """Of all sessions' segment files."""
        with self._lock:
            here = dict(self._open)
        others = [row for row in self._catalog.sessions() if row.key not in here]
        nbytes = sum(self._catalog.nbytes(row.id) for row in others)
        return nbytes + sum(session.nbytes for session in here.values())

    def check_writable(self) -> None:
        """Raises MemoryStoreError unless the folder takes what is written to it."""
        try:
            with tempfile.TemporaryFile(dir=self._folder) as trial:
                trial.write(bytes(TRIAL_BYTES))
                trial.flush()
                os.fsync(trial.fileno())
        except OSError as error:
            raise _unusable(self._folder, error) from error

    def sessions(self) -> list[SessionSummary]:
        """Every session as of its last ``sync``, by tenant and name. Raises MemoryStoreError."""
        summaries = []
        for row in self._catalog.sessions():
            if not self._opener.folder(row.key).is_dir():
                continue
            blocks, tokens, start_us, end_us, nbytes = self._catalog.totals(row.id)
            facts = (row.key, row.fingerprint, row.created_us, row.last_used_us)
            sizes = (blocks, tokens, nbytes, start_us, end_us)
            summaries.append(SessionSummary(*facts, *sizes, row.removed, row.damaged))
        return summaries

    def open(self, key: SessionKey, fingerprint: Fingerprint | None) -> SessionStore:
        """The session, for writing; it is created when it is new, for which a fingerprint is needed.

        None opens an existing one whatever its model. Raises MemoryStoreError, with code ``session_in_use``
        when somebody has it open, ``model_mismatch`` when another model wrote it, ``session_not_found``.
        """
        folder = self._opener.folder(key)
        if fingerprint is None and not folder.is_dir():
            raise not_found(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = self._opener.lock(key)
        except OSError as error:
            raise _unusable(folder, error) from error

        def release() -> None:
            with self._lock:
                self._open.pop(key, None)
            lock.release()

        try:
            session = self._opener.open(key, fingerprint, release)
        except OSError as error:
            lock.release()
            raise _unusable(folder, error) from error
        except BaseException:
            lock.release()
            raise
        with self._lock:
            self._open[key] = session
        return session

    def inspect(self, key: SessionKey) -> SessionReader:
        """A view of the session as of its last ``sync``, also while somebody writes to it.

        Raises MemoryStoreError, with code ``session_not_found``.
        """
        ledger = self._opener.view(key)
        return SessionReader(self._opener.folder(key), ledger, lambda: self._opener.view(key))

    def remove(self, key: SessionKey) -> None:
        """Delete a session. Raises MemoryStoreError: ``session_in_use``, ``session_not_found``."""
        folder = self._opener.folder(key)
        if not folder.is_dir():
            raise not_found(key)
        try:
            lock = self._opener.lock(key)
            try:
                trash = folder.with_name(f"{TRASH}{key.name}-{time.time_ns()}")
                folder.rename(trash)
                if (row := self._catalog.find(key)) is not None:
                    self._catalog.forget(row.id)
                shutil.rmtree(trash)
            finally:
                lock.release()
        except OSError as error:
            raise _unusable(folder, error) from error
        log.debug("memory.session_removed", session=str(key))

    def close(self) -> None:
        """Close every session that is open here. What went wrong with the first is raised at the end."""
        problems = []
        for session in list(self._open.values()):
            try:
                session.close()
            except MemoryStoreError as error:
                problems.append(error)
        self._catalog.close()
        self._root.release()
        if problems:
            raise problems[0]


def _unusable(folder: Path, error: OSError) -> MemoryStoreError:
    return MemoryStoreError(f"{folder} cannot be used: {error.strerror or error}", param="dir")
