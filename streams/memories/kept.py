"""Finding kept sessions by what people call them, and what is said of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from memory.store.identity import CATALOG, DEFAULT_TENANT, SessionKey, SessionSummary
from memory.store.schema import APPLICATION_ID
from memory.store.store import MemoryStore
from streams.config import MemoryConfig
from streams.errors import ConfigError, KeptSessionError, MemoryStoreError
from streams.types import US_PER_S

SQLITE_MAGIC = b"SQLite format 3\0"
SQLITE_HEADER_BYTES = 100


@contextmanager
def open_store(config: MemoryConfig) -> Iterator[MemoryStore]:
    """The store in ``config.dir``; none is made.

    Raises ConfigError when no folder is set, MemoryStoreError when there is no store in it.
    """
    if config.dir is None:
        raise ConfigError(
            "which folder? Pass --memory-dir DIR, or set memory.dir (STREAMS_MEMORY_DIR in the environment)",
            param="memory.dir",
        )
    folder = config.dir.expanduser()
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise MemoryStoreError(f"{folder} {problem}", param="memory.dir")
    if not is_store(folder):
        problem = f"no sessions were ever kept there (it has no {CATALOG})"
        raise MemoryStoreError(f"{folder} is not a memory: {problem}", param="memory.dir")
    store = MemoryStore(folder)
    try:
        yield store
    finally:
        store.close()


def is_store(folder: Path) -> bool:
    """Whether there is a catalog of ours, or segment files that one can be made from again."""
    return is_catalog(folder / CATALOG) or any(folder.glob("*/*/*.seg"))


def is_catalog(file: Path) -> bool:
    """By the application id in SQLite's file header: another program's file is not touched."""
    try:
        with file.open("rb") as opened:
            header = opened.read(SQLITE_HEADER_BYTES)
    except OSError:
        return False
    return header.startswith(SQLITE_MAGIC) and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


def find(store: MemoryStore, names: Sequence[str]) -> list[SessionSummary]:
    """The sessions called ``NAME`` or ``TENANT/NAME``, each once; all when none is named.

    Raises MemoryStoreError, ``session_not_found`` for one that is not there.
    """
    kept = {summary.key: summary for summary in store.sessions()}
    if not names:
        return list(kept.values())
    return [_find(kept, key) for key in dict.fromkeys(map(parse_key, names))]


def _find(kept: dict[SessionKey, SessionSummary], key: SessionKey) -> SessionSummary:
    if key not in kept:
        raise KeptSessionError(
            f"there is no session {key}; 'streams memory ls' shows those there are",
            param="session",
            code="session_not_found",
        )
    return kept[key]


def parse_key(name: str) -> SessionKey:
    """``NAME`` or ``TENANT/NAME``. Raises MemoryStoreError when it cannot be one."""
    tenant, slash, rest = name.partition("/")
    return SessionKey(tenant, rest) if slash else SessionKey(DEFAULT_TENANT, name)


@contextmanager
def naming(key: SessionKey) -> Iterator[None]:
    """Errors that pass say which session they are about."""
    try:
        yield
    except MemoryStoreError as error:
        if str(key) in error.message:
            raise
        message = f"session {key}: {error.message}"
        raise type(error)(message, param=error.param, code=error.code) from error


def summary_to_json(summary: SessionSummary) -> dict[str, Any]:
    return {"session": str(summary.key), **dataclasses.asdict(summary)}


def format_date(us: int) -> str:
    """Microseconds since 1970 as date and time of day here."""
    try:
        return f"{datetime.fromtimestamp(us / US_PER_S):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return "?"  # a number that was never a time


def format_length(us: int) -> str:
    """``H:MM:SS``."""
    minutes, seconds = divmod(us // US_PER_S, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
