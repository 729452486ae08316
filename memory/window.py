"""What stays on the device: the sinks and the newest blocks."""

from __future__ import annotations

from collections import deque

from memory.block import Block
from streams.types import BlockKind


class Window:
    """The newest frames and the newest dialogue, each within a budget in tokens.

    Dialogue has a budget of its own, so that a busy picture cannot push out what was just said. The
    sinks (StreamingLLM: the first tokens draw attention that must have somewhere to go) never leave.
    """

    def __init__(self, sinks: Block, *, frame_tokens: int, dialogue_tokens: int) -> None:
        self.sinks = sinks
        self._frames: deque[Block] = deque()
        self._dialogue: deque[Block] = deque()
        self._frame_tokens = frame_tokens
        self._dialogue_tokens = dialogue_tokens

    def push(self, block: Block) -> list[Block]:
        """Take ``block`` in and return those that leave, oldest first. The newest always stays."""
        is_frame = block.info.kind is BlockKind.FRAME
        queue = self._frames if is_frame else self._dialogue
        budget = self._frame_tokens if is_frame else self._dialogue_tokens
        queue.append(block)
        tokens = sum(kept.tokens for kept in queue)
        leaving: list[Block] = []
        while tokens > budget and len(queue) > 1:
            tokens -= queue[0].tokens
            leaving.append(queue.popleft())
        return leaving

    def blocks(self) -> list[Block]:
        """The recent blocks in time order, without the sinks."""
        return sorted((*self._frames, *self._dialogue), key=lambda block: block.id)

    @property
    def nbytes(self) -> int:
        return self.sinks.nbytes + sum(block.nbytes for block in self.blocks())
