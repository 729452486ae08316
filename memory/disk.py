"""Blocks on disk, one safetensors file each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from memory.block import Block, BlockInfo
from streams.errors import MemoryStoreError
from streams.types import BlockKind

FORMAT = "1"


class DiskTier:
    """``Tier`` in a folder of its own, which is made when needed and removed by ``close``.

    A block is written to a temporary name and renamed, so it is whole or not there.
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
        tensors = {"keys": block.keys, "values": block.values, "digest": block.digest}
        metadata = {"format": FORMAT, "info": json.dumps(asdict(block.info))}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata)
            os.replace(partial, file)
            size = file.stat().st_size
        except (OSError, SafetensorError) as error:
            partial.unlink(missing_ok=True)
            raise MemoryStoreError(f"cannot write {file}: {error}", param=str(file)) from error
        self._sizes[block.id] = size
        self._nbytes += size

    def get(self, block_id: int) -> Block:
        if block_id not in self._sizes:
            raise KeyError(block_id)
        file = self._file(block_id)
        try:
            with safe_open(file, framework="pt") as tensors:
                fields = json.loads(tensors.metadata()["info"])
                info = BlockInfo(**fields | {"kind": BlockKind(fields["kind"])})
                return Block(
                    info,
                    tensors.get_tensor("keys"),
                    tensors.get_tensor("values"),
                    tensors.get_tensor("digest"),
                )
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
