"""Requests that stand until something falls due: the model keeps them before it, however old they are."""

from __future__ import annotations

from collections.abc import Iterable

from memory.block import Block


class Standing:
    """Blocks of standing requests, by the request's id. They stay on the device; at rest nothing attends.

    What was asked once leaves the window as all dialogue does, and has to be read with every frame after.
    """

    def __init__(self) -> None:
        self._blocks: dict[str, Block] = {}
        self.at_rest = True
        """Whether nobody wants to be told anything unasked for now."""

    def put(self, request_id: str, block: Block) -> None:
        self._blocks[request_id] = block

    def remove(self, request_id: str) -> None:
        """Let go of a request, if it is here."""
        self._blocks.pop(request_id, None)

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._blocks

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def watching(self) -> bool:
        """Whether something stands that frames are to be looked at for."""
        return bool(self._blocks) and not self.at_rest

    def before(self, others: Iterable[Block]) -> list[Block]:
        """``others`` and the requests, in time order; a request that is among them is there once."""
        return in_order((*self._blocks.values(), *others) if self.watching else others)

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes for block in self._blocks.values())


def in_order(blocks: Iterable[Block]) -> list[Block]:
    """``blocks`` in time order, each once."""
    by_id = {block.id: block for block in blocks}
    return [by_id[block_id] for block_id in sorted(by_id)]
