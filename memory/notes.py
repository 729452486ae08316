"""A few facts that a session keeps beside its blocks."""

from __future__ import annotations

from collections.abc import Mapping

from memory.store.session_store import SessionStore
from streams.errors import MemoryStoreError
from streams.log import get_logger
from streams.pipeline import Worker

log = get_logger(__name__)


class Notes:
    """Small and JSON, as they were kept last. In memory alone where that does not outlive the process."""

    def __init__(self, store: SessionStore, worker: Worker, *, durable: bool) -> None:
        """They are written on ``worker``."""
        self._store = store
        self._worker = worker
        self._durable = durable

    def keep(self, notes: Mapping[str, object]) -> None:
        """Have ``notes`` on disk soon, in place of those before; what cannot be written is logged."""
        if self._durable:
            self._worker.submit(lambda: self._write(notes))

    def _write(self, notes: Mapping[str, object]) -> None:
        try:
            self._store.write_state(notes)
            self._store.sync()
        except MemoryStoreError as error:
            log.warning("memory.notes_lost", session=self._store.key.name, error=error.message)

    def read(self) -> dict[str, object]:
        """As they were kept; nothing where there are none, or they are damaged (which the store logs)."""
        try:
            return dict(self._store.read_state())
        except MemoryStoreError:
            return {}
