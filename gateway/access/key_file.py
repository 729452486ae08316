"""The file of API keys: read strictly, written whole and for its owner alone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.access.key import ApiKey
from gateway.access.limits import Limits
from memory.store.file_lock import FileLock
from streams.errors import ConfigError
from streams.whole_file import whole_file

PARAM = "server.keys_file"
VERSION = 1


class _Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    max_sessions: int | None = None
    responses_per_minute: int | None = None
    audio_seconds_per_minute: int | None = None


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    tenant: str
    digest: str
    created: str
    limits: _Limits


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: int
    keys: list[_Entry]


def read_keys(file: Path) -> tuple[ApiKey, ...]:
    """Raises ConfigError, naming the file, when it cannot be read, is malformed, or others may write it."""
    try:
        with file.open("rb") as source:
            if os.fstat(source.fileno()).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                message = f"{file} can be written by others than its owner: chmod 600 it"
                raise ConfigError(message, param=PARAM)
            data = source.read()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", param=PARAM) from None
    return _parse(data, file)


def _parse(data: bytes, file: Path) -> tuple[ApiKey, ...]:
    try:
        document = _Document.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        place = f"{file}, {where}" if where else str(file)
        raise ConfigError(f"{place}: {first['msg']}", param=PARAM) from None
    if document.version != VERSION:
        message = f"{file} has version {document.version}; this program reads version {VERSION}"
        raise ConfigError(message, param=PARAM)
    try:
        keys = tuple(_key_of(entry) for entry in document.keys)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error.message}", param=PARAM) from None
    names = [key.name for key in keys]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"{file} has two keys named '{twice}'", param=PARAM)
    return keys


def _key_of(entry: _Entry) -> ApiKey:
    limits = Limits(**entry.limits.model_dump())
    return ApiKey(entry.name, entry.tenant, entry.digest, entry.created, limits)


def write_keys(file: Path, keys: Sequence[ApiKey]) -> None:
    """Replace the file, with mode 0600; a reader sees the old keys or the new. Raises ConfigError."""
    document: dict[str, Any] = {"version": VERSION, "keys": [asdict(key) for key in keys]}
    with whole_file(Path(os.path.realpath(file)), PARAM) as out:  # a link stays one
        out.write(f"{json.dumps(document, indent=2)}\n".encode())


@contextmanager
def editing(file: Path) -> Iterator[None]:
    """Hold off others who edit the file until this is left. Raises ConfigError."""
    path = file.with_name(f".{file.name}.lock")
    try:
        lock = FileLock.wait(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", param=PARAM) from None
    try:
        yield
    finally:
        lock.release()
