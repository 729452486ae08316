"""What stays on the device: the sinks and the newest blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace

from memory.block import Block, BlockInfo
from streams.types import BlockKind


class Window:
    """The newest frames and the newest dialogue, each within a budget in tokens (``BlockInfo.extent``).

    Dialogue has a budget of its own, so that a busy picture cannot push out what was just said. The
    sinks (StreamingLLM: the first tokens draw attention that must have somewhere to go) never leave.
    """

    def __init__(self, *, frame_tokens: int, dialogue_tokens: int) -> None:
        self.sinks: Block | None = None
        self._frames: deque[Block] = deque()
        self._dialogue: deque[Block] = deque()
        self._frame_tokens = frame_tokens
        self._dialogue_tokens = dialogue_tokens
        self._prolonged: set[int] = set()

    def push(self, block: Block) -> list[Block]:
        """Take ``block`` in and return those that leave, oldest first. The newest always stays."""
        is_frame = block.info.kind is BlockKind.FRAME
        queue = self._frames if is_frame else self._dialogue
        budget = self._frame_tokens if is_frame else self._dialogue_tokens
        queue.append(block)
        extent = sum(kept.info.extent for kept in queue)
        leaving: list[Block] = []
        while extent > budget and len(queue) > 1:
            extent -= queue[0].info.extent
            leaving.append(queue.popleft())
        return leaving

    def prolong(self, block_id: int, end_us: int) -> bool:
        """Have the block of this id last until ``end_us`` at least. False when it is not here."""
        for queue in (self._frames, self._dialogue):
            for place, block in enumerate(queue):
                if block.id == block_id:
                    info = replace(block.info, end_us=max(block.info.end_us, end_us))
                    queue[place] = replace(block, info=info)
                    self._prolonged.add(block_id)
                    return True
        return False

    def take_prolonged(self, block_id: int) -> bool:
        """Whether this block was prolonged since it was pushed, or since this was told."""
        if block_id not in self._prolonged:
            return False
        self._prolonged.remove(block_id)
        return True

    def remove(self, block_ids: Collection[int]) -> None:
        """Let go of these, where they are here."""
        self._prolonged.difference_update(block_ids)
        self._frames = deque(block for block in self._frames if block.id not in block_ids)
        self._dialogue = deque(block for block in self._dialogue if block.id not in block_ids)

    def members(self, infos: Sequence[BlockInfo]) -> list[BlockInfo]:
        """Of a stream's blocks, in order of id, those that pushing them all would have left here."""
        kept: list[BlockInfo] = []
        for frames, budget in ((True, self._frame_tokens), (False, self._dialogue_tokens)):
            extent = 0
            queue = [info for info in infos if (info.kind is BlockKind.FRAME) is frames]
            for place, info in enumerate(reversed(queue)):
                extent += info.extent
                if extent > budget and place:
                    break
                kept.append(info)
        return sorted(kept, key=lambda info: info.id)

    def blocks(self) -> list[Block]:
        """The recent blocks in time order, without the sinks."""
        return sorted((*self._frames, *self._dialogue), key=lambda block: block.id)

    @property
    def nbytes(self) -> int:
        sinks = 0 if self.sinks is None else self.sinks.nbytes
        return sinks + sum(block.nbytes for block in (*self._frames, *self._dialogue))
