"""Requests that stand until something falls due: the model keeps them before it, however old they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from memory.block import Block

NEAR = 0.3
"""Similarity of a request and of what is surely or likely in a frame, from which it may be about that. (With
the embedded models, over 20 streams of photographs: 0.43 and more where it was, 0.29 at most where not.)"""


class Standing:
    """Blocks of standing requests, by the request's id. They stay on the device; at rest nothing attends.

    What was asked once leaves the window as all dialogue does, and has to be read with every frame after.
    Put and removed on the engine thread; what others look at meanwhile does not change under their hands.
    """

    def __init__(self) -> None:
        self._blocks: dict[str, Block] = {}
        self._general: frozenset[str] = frozenset()
        self.at_rest = True
        """Whether nobody wants to be told anything unasked for now."""

    def put(self, request_id: str, block: Block, *, general: bool = False) -> None:
        """``general``: the request is about whatever is new, and not for one thing."""
        self._blocks = {**self._blocks, request_id: block}
        if general:
            self._general = self._general | {request_id}

    def remove(self, request_id: str) -> None:
        """Let go of a request, if it is here."""
        self._blocks = {id_: block for id_, block in self._blocks.items() if id_ != request_id}
        self._general = self._general - {request_id}

    def nearest(
        self, seen: NDArray[np.floating] | None, embedding: Callable[[str], NDArray[np.float32]] | None
    ) -> str | None:
        """The request that a frame is most likely about; ``seen`` [dim] is the embedding of what it shows, as
        far as words tell, None where they tell nothing.

        The model tells that something is due, and not of what. The request that is nearest in meaning is
        taken, unless it is far: then one that is general, or None. The newest that is not general is taken
        where meanings cannot be compared.
        """
        wanted = [request_id for request_id in self._blocks if request_id not in self._general]
        newest = next(reversed(wanted), None)
        general = next((request_id for request_id in self._blocks if request_id in self._general), None)
        if embedding is None or seen is None:
            return newest or general
        scores = {id_: _cosine(embedding(self._blocks[id_].info.text), seen) for id_ in wanted}
        best = max(scores, key=lambda request_id: scores[request_id], default=None)
        return best if best is not None and scores[best] >= NEAR else general

    def block_ids(self) -> dict[str, int]:
        return {request_id: block.id for request_id, block in self._blocks.items()}

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


def _cosine(a: NDArray[np.float32], b: NDArray[np.floating]) -> float:
    return float(a @ b.astype(np.float32)) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)
