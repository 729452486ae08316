"""An index as a file: plain arrays in safetensors form, checked before anything is made of them.

FAISS's own format is not used: its reader trusts what it reads, and a damaged file can end the process.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from memory.index.state import State
from streams.errors import MemoryStoreError

FORMAT: Literal["streams-index-1"] = "streams-index-1"
ARRAYS = {
    "ids": (np.dtype(np.int64), 1),
    "codes": (np.dtype(np.uint8), 2),
    "centroids": (np.dtype(np.float32), 2),
    "sizes": (np.dtype(np.int64), 1),
    "codebook": (np.dtype(np.float32), 3),
}
"""Type and number of axes of each array in the file."""

DIM_MAX = 1 << 20

Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**48)]
Arrays: TypeAlias = dict[str, NDArray[np.generic]]


class Header(BaseModel):
    """What the file says of its arrays; ``crc`` is over the rest of it and all their bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["streams-index-1"]
    method: Literal["flat", "ivf", "ivfpq"]
    dim: Annotated[int, Field(gt=0, le=DIM_MAX)]
    count: Count
    trained_on: Count
    probes: Annotated[list[tuple[Count, Count]], Field(max_length=64)]
    crc: int = 0


def write_state(file: Path, state: State) -> None:
    """Write ``state`` to ``file``, whole or not at all. Raises MemoryStoreError when it cannot be written."""
    arrays: Arrays = {name: np.ascontiguousarray(getattr(state, name)) for name in ARRAYS}
    header = Header.model_validate(
        {
            "format": FORMAT,
            "method": state.method,
            "dim": state.dim,
            "count": len(state),
            "trained_on": state.trained_on,
            "probes": list(state.probes.items()),
        }
    )
    header = header.model_copy(update={"crc": _crc(header, arrays)})
    unfinished = file.with_name(f"{file.name}.new")
    try:
        save_file(arrays, unfinished, {"index": header.model_dump_json()})
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(unfinished, file)
    except (OSError, SafetensorError) as error:
        raise MemoryStoreError(f"{file}: the index cannot be saved: {error}", param=str(file)) from None


def read_state(file: Path, dim: int) -> State:
    """What ``write_state`` wrote, of vectors of ``dim``; its arrays fit one another.

    Raises MemoryStoreError when the file is missing, unreadable, damaged, or of another dimension.
    """
    try:
        with safe_open(file, framework="np") as source:
            header = Header.model_validate_json((source.metadata() or {}).get("index", ""))
            if set(source.keys()) != set(ARRAYS):
                raise _damaged(file, "other arrays than an index has")
            arrays = {name: source.get_tensor(name) for name in ARRAYS}
    except ValidationError as error:
        raise _damaged(file, str(error.errors()[0]["msg"])) from None
    except (OSError, SafetensorError, ValueError, TypeError, MemoryError) as error:
        raise _damaged(file, str(error)) from None
    for name, (dtype, axes) in ARRAYS.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != axes:
            raise _damaged(file, f"{name} is {arrays[name].dtype} {arrays[name].shape}")
    if header.crc != _crc(header, arrays):
        raise _damaged(file, "its checksum does not match")
    if header.dim != dim:
        raise MemoryStoreError(f"{file}: vectors of {header.dim}, not {dim}", param=str(file))
    state = State(
        header.method,
        dim,
        arrays["ids"].astype(np.int64, copy=False),
        arrays["codes"].astype(np.uint8, copy=False),
        arrays["centroids"].astype(np.float32, copy=False),
        arrays["sizes"].astype(np.int64, copy=False),
        arrays["codebook"].astype(np.float32, copy=False),
        dict(header.probes),
        header.trained_on,
    )
    if header.count != len(state):
        raise _damaged(file, f"{len(state)} ids, not {header.count}")
    if wrong := _misfit(state):
        raise _damaged(file, f"what it holds does not fit: {wrong}")
    return state


def _misfit(state: State) -> str:
    """What does not fit in a state that may say anything; empty when all does."""
    count, dim, lists = len(state), state.dim, len(state.sizes)
    parts, codes, width = state.codebook.shape
    quantised = state.method == "ivfpq"
    if state.method == "flat":
        in_lists = lists == 0 and state.centroids.size == 0
    else:
        in_lists = lists > 0 and state.centroids.shape == (lists, dim)
        in_lists = in_lists and 0 <= state.sizes.min() <= state.sizes.max() <= count == state.sizes.sum()
    checks = {
        "ids": not count or state.ids.min() >= 0,
        "codes": state.codes.shape == (count, parts if quantised else 2 * dim),
        "lists": in_lists,
        "codebook": (codes == 256 and parts * width == dim) if quantised else parts == 0,
        "numbers": np.isfinite(state.centroids).all() and np.isfinite(state.codebook).all(),
        "probes": all(probes > 0 for probes in state.probes.values()),
        "order of probes": list(state.probes) == sorted(state.probes),
    }
    return ", ".join(name for name, fits in checks.items() if not fits)


def _crc(header: Header, arrays: Arrays) -> int:
    crc = zlib.crc32(header.model_dump_json(exclude={"crc"}).encode())
    for name in ARRAYS:
        crc = zlib.crc32(repr((name, arrays[name].shape)).encode(), crc)
        crc = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, crc)
    return crc


def _damaged(file: Path, why: str) -> MemoryStoreError:
    return MemoryStoreError(f"{file}: no index can be read: {why}", param=str(file))
