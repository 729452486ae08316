"""Blocks on disk, one safetensors file each."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from memory.block import Block, BlockInfo
from streams.errors import MemoryStoreError
from streams.types import BlockKind

FORMAT = "1"
TENSORS = ("keys", "values", "digest")


class DiskTier:
    """``Tier`` in a folder of its own, which is made when needed and removed by ``close``.

    A block is written to a temporary name and renamed, so it is whole or not there; a checksum over
    all that it holds tells when the file was damaged since.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[int, int] = {}
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        return self._nbytes

    def _file(self, block_id: int) -> Path:
        return self._folder / f"block-{block_id:08}.safetensors"

    def put(self, block: Block) -> None:
        assert block.id not in self._sizes, f"block {block.id} is here already"
        file = self._file(block.id)
        partial = file.with_suffix(".partial")
        tensors = {name: getattr(block, name).contiguous() for name in TENSORS}
        info = json.dumps(asdict(block.info))
        metadata = {"format": FORMAT, "info": info, "crc32": _checksum(info, tensors)}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(tensors, partial, metadata)
            os.replace(partial, file)
            size = file.stat().st_size
        except (OSError, SafetensorError) as error:
            with suppress(OSError):
                partial.unlink()
            raise MemoryStoreError(f"cannot write {file}: {error}", param=str(file)) from error
        self._sizes[block.id] = size
        self._nbytes += size

    def get(self, block_id: int) -> Block:
        if block_id not in self._sizes:
            raise KeyError(block_id)
        file = self._file(block_id)
        try:
            with safe_open(file, framework="pt") as opened:
                metadata = opened.metadata()
                tensors = {name: opened.get_tensor(name) for name in TENSORS}
            if _checksum(metadata["info"], tensors) != metadata["crc32"]:
                raise ValueError("its checksum does not match what it holds")
            fields = json.loads(metadata["info"])
            return Block(BlockInfo(**fields | {"kind": BlockKind(fields["kind"])}), **tensors)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise MemoryStoreError(f"cannot read {file}: {error}", param=str(file)) from error

    def remove(self, block_id: int) -> None:
        self._nbytes -= self._sizes.pop(block_id)
        self._file(block_id).unlink(missing_ok=True)

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._sizes

    def __iter__(self) -> Iterator[int]:
        return iter(self._sizes)

    def close(self) -> None:
        self._sizes.clear()
        self._nbytes = 0
        shutil.rmtree(self._folder, ignore_errors=True)


def _checksum(info: str, tensors: Mapping[str, Tensor]) -> str:
    crc = zlib.crc32(info.encode())
    for name in TENSORS:
        crc = zlib.crc32(tensors[name].view(torch.uint8).numpy().data, crc)
    return f"{crc:08x}"
