"""One session, looked at: its blocks, and what can be told of it without reading keys and values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from memory.block import SINKS_ID, BlockInfo
from memory.store.identity import SessionSummary
from memory.store.record import info_to_json
from memory.store.session_reader import SessionReader
from memory.store.store import MemoryStore
from streams.errors import MemoryStoreError
from streams.memories.kept import naming, summary_to_json
from streams.types import BlockKind


class SessionView:
    """``unreadable`` collects, by block id, why something of it could not be read."""

    def __init__(self, summary: SessionSummary, reader: SessionReader) -> None:
        self.summary = summary
        self.reader = reader
        self.unreadable: dict[int, str] = {}
        infos = reader.infos()
        self.instructions = next((info.text for info in infos if info.id == SINKS_ID), "")
        self.infos: Sequence[BlockInfo] = [info for info in infos if info.kind is not BlockKind.SYSTEM]
        """Of the timeline, in order of id."""
        self._nbytes = {info.id: reader.nbytes_of(info.id) for info in self.infos}

    def thumbnail(self, block_id: int) -> bytes | None:
        """The block's JPEG; None when there is none or, which is noted, it cannot be read."""
        try:
            return self.reader.thumbnail(block_id)
        except MemoryStoreError as error:
            self.unreadable[block_id] = error.message
            return None

    def codecs(self) -> list[str]:
        """Of the oldest and the newest block, which differ while the newest are kept as they were made."""
        names: dict[str, None] = {}
        for info in (*self.infos[:1], *self.infos[-1:]):
            try:
                names[self.reader.read(info.id).codec] = None
            except (KeyError, MemoryStoreError) as error:
                self.unreadable[info.id] = str(error)
        return list(names)

    def to_json(self, infos: Sequence[BlockInfo]) -> dict[str, Any]:
        """The session's facts and all that is known of the blocks ``infos``."""
        facts = {**summary_to_json(self.summary), "instructions": self.instructions}
        return {"session": facts, "blocks": [self._block(info) for info in infos]}

    def _block(self, info: BlockInfo) -> dict[str, Any]:
        return {**info_to_json(info), "nbytes": self._nbytes[info.id]}


@contextmanager
def view(store: MemoryStore, summary: SessionSummary) -> Iterator[SessionView]:
    """The session, read beside whoever has it open. Errors say which it is."""
    with naming(summary.key):
        reader = store.inspect(summary.key)
        try:
            yield SessionView(summary, reader)
        finally:
            reader.close()
