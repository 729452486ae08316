"""What stands before everything else that a model attends to: its instructions, kept ready."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from typing import TypeAlias

from memory.block import Block
from streams.conversation import Tool

SINKS_KEPT = 16
"""Instructions whose sinks are kept ready, over all sessions."""

SINKS_BYTES = 64 * 1024**2
"""What they may have together: long ones, which every session may have others of, would fill the device."""

Tools: TypeAlias = tuple[Tool, ...]
ReadSinks: TypeAlias = Callable[[str, Tools], Generator[None, None, Block]]


class SinksCache:
    """Blocks of instructions and tools, read once for all sessions; the least recently used leaves."""

    def __init__(self, read: ReadSinks) -> None:
        self._read = read
        self._kept: OrderedDict[tuple[str, Tools], Block] = OrderedDict()

    def get(self, instructions: str, tools: Tools) -> Generator[None, None, Block]:
        key = instructions, tools
        block = self._kept.get(key)
        if block is None:
            read = yield from self._read(instructions, tools)
            # Another session may have read the same meanwhile; all attend to one.
            block = self._kept.setdefault(key, read)
        self._kept.move_to_end(key)
        while len(self._kept) > SINKS_KEPT or (len(self._kept) > 1 and self.nbytes > SINKS_BYTES):
            self._kept.popitem(last=False)
        return block

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes for block in self._kept.values())
