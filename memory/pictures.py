"""Small pictures of what blocks saw, kept with them."""

from __future__ import annotations

from memory.store.session_store import SessionStore
from streams.errors import MemoryStoreError
from streams.log import get_logger
from streams.pipeline import Worker

log = get_logger(__name__)


class Pictures:
    """JPEGs by block id, on disk only; nothing is kept where memory does not outlive the process."""

    def __init__(self, store: SessionStore, worker: Worker, *, durable: bool) -> None:
        """They are written on ``worker``, after the blocks that it was given before."""
        self._store = store
        self._worker = worker
        self._durable = durable

    def put(self, block_id: int, jpeg: bytes) -> None:
        """Keep a picture, soon; one that cannot be written is lost, and logged."""
        if self._durable:
            self._worker.submit(lambda: self._write(block_id, jpeg))

    def _write(self, block_id: int, jpeg: bytes) -> None:
        try:
            self._store.set_thumbnail(block_id, jpeg)
        except (KeyError, MemoryStoreError) as error:
            log.warning("memory.picture_lost", block=block_id, error=str(error))

    def get(self, block_id: int) -> bytes | None:
        """Reads the disk. None where there is none, or it is damaged (which the store logs)."""
        try:
            return self._store.thumbnail(block_id)
        except MemoryStoreError:
            return None
