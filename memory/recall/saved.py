"""How a policy's state lies in a folder: whole, or as it was before.

::

    <folder>/manifest.json      what the state is, which generation it is, and the CRC-32 of its files
    <folder>/<generation>/      the files

The manifest is replaced last and in one step, so a crash while saving leaves what was saved before.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memory.index.vector_index import Ids
from streams.errors import MemoryStoreError

MANIFEST = "manifest.json"
FORMAT = 1
CHUNK_BYTES = 1 << 20
FileName = Annotated[str, Field(pattern=r"^[a-z0-9]+\.[a-z]+$", max_length=64)]


class Manifest(BaseModel):
    """What a saved policy is; ``shape`` is what must fit for it to be loaded again, named."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    policy: str
    shape: dict[str, int]
    generation: int = Field(ge=1, lt=2**63)
    files: dict[FileName, int]


def save_generation(folder: Path, policy: str, shape: dict[str, int], write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a new folder, and make that the state that ``folder`` holds.

    Raises MemoryStoreError when it cannot be written; what was saved before then stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        generations = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()]
        generation = max(generations, default=0) + 1
        new = folder / str(generation)
        new.mkdir()
        write(new)
        files = {file.name: _crc(file) for file in sorted(new.iterdir()) if file.is_file()}
        for file in files:
            _sync(new / file)
        _sync(new)
        manifest = Manifest(format=FORMAT, policy=policy, shape=shape, generation=generation, files=files)
        pointer = folder / f"{MANIFEST}.new"
        pointer.write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
        _sync(pointer)
        os.replace(pointer, folder / MANIFEST)
        _sync(folder)
    except OSError as error:
        raise MemoryStoreError(
            f"{folder}: the recall index cannot be saved: {error}", param=str(folder)
        ) from None
    for old in generations:
        shutil.rmtree(folder / str(old), ignore_errors=True)


def open_generation(folder: Path, policy: str, shape: dict[str, int], names: list[str]) -> Path:
    """The folder of the state last saved in ``folder``, each of its files ``names`` checked.

    Raises MemoryStoreError when there is none, it is damaged, or of another policy or shape.
    """
    file = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise MemoryStoreError(f"{file}: no index can be read: {first}", param=str(file)) from None
    mine = {"format": FORMAT, "policy": policy, "shape": shape, "files": sorted(names)}
    its = {
        "format": manifest.format,
        "policy": manifest.policy,
        "shape": manifest.shape,
        "files": sorted(manifest.files),
    }
    for key, expected in mine.items():
        if its[key] != expected:
            raise MemoryStoreError(f"{file}: {key} is {its[key]!r}, not {expected!r}", param=str(file))
    state = folder / str(manifest.generation)
    for name, crc in manifest.files.items():
        try:
            found = _crc(state / name)
        except OSError as error:
            raise MemoryStoreError(f"{state / name}: {error.strerror}", param=str(state / name)) from None
        if found != crc:
            raise MemoryStoreError(f"{state / name}: its checksum does not match", param=str(state / name))
    return state


def save_array(file: Path, array: NDArray[np.generic]) -> None:
    with file.open("wb") as out:
        np.save(out, array, allow_pickle=False)


def load_array(file: Path, dtype: type[np.generic], shape: tuple[int | None, ...]) -> NDArray[np.generic]:
    """The array in ``file``. Raises MemoryStoreError unless it has ``dtype`` and ``shape`` (None: any)."""
    try:
        with file.open("rb") as source:
            array = np.lib.format.read_array(source, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise MemoryStoreError(f"{file}: no array can be read: {error}", param=str(file)) from None
    fits = len(array.shape) == len(shape) and all(
        expected in (None, given) for given, expected in zip(array.shape, shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        raise MemoryStoreError(
            f"{file}: holds {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}", param=str(file)
        )
    return array


def load_ids(file: Path) -> Ids:
    """Ids that ``save_array`` wrote. Raises MemoryStoreError unless they are sorted, each once."""
    ids = load_array(file, np.int64, (None,)).astype(np.int64)
    if len(ids) and (ids[0] < 0 or (np.diff(ids) <= 0).any()):
        raise MemoryStoreError(f"{file}: ids are not sorted", param=str(file))
    return ids


def _crc(file: Path) -> int:
    crc = 0
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            crc = zlib.crc32(chunk, crc)
    return crc


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
