"""What standing requests are to the model: each a block of its own before every frame."""

from __future__ import annotations

from collections.abc import Callable

from gateway.backend import Backend
from gateway.live.reading import Reading
from llm.stream import Stream
from memory.block import Block
from streams.errors import MemoryStoreError
from streams.standing_request import StandingRequest, read_request


class StandingBlocks:
    """Reads the requests of one session, finds them again after a restart, and lets go of them.

    What is attended to with every frame is the request and nothing that was said around it.
    """

    def __init__(
        self,
        backend: Backend,
        stream: Stream,
        reading: Reading,
        wanted: Callable[[], tuple[StandingRequest, ...]],
    ) -> None:
        """``wanted`` says which requests stand now."""
        self._engine = backend.engine
        self._stream = stream
        self._reading = reading
        self._wanted = wanted
        self._remembered: dict[str, int] = {}

    def kept(self) -> list[tuple[StandingRequest, object]]:
        """What stood when the session was left, each with what was kept as the id of its block."""
        found: list[tuple[StandingRequest, object]] = []
        entries = self._stream.memory.notes.read().get("standing_requests")
        for entry in entries if isinstance(entries, list) else ():
            block_id = entry.pop("block", None) if isinstance(entry, dict) else None
            if request := read_request(entry):
                found.append((request, block_id))
        return found

    async def read_message(self, request: StandingRequest, at_us: int) -> None:
        """Read a request that is no item's, and remember it as said."""
        block = await self._reading.read(self._stream.take_message(at_us, "user", request.text))
        self._remembered[request.id] = block.id
        await self._put(request, block)

    async def read_alone(self, request: StandingRequest) -> None:
        """Read a request that is remembered as part of something else, or was."""
        reading = self._stream.read_alone(request.created_us, request.text)
        await self._put(request, await self._reading.read_apart(reading))

    async def find(self, request: StandingRequest, block_id: object) -> bool:
        """Take a block of memory for a request; False when it is not there, or says anything else."""
        if not isinstance(block_id, int):
            return False
        try:
            block = await self._engine.run(lambda: self._stream.find(block_id))
        except (KeyError, MemoryStoreError):
            return False
        if block.info.text != request.text:
            return False
        self._remembered[request.id] = block_id
        await self._put(request, block)
        return True

    async def _put(self, request: StandingRequest, block: Block) -> None:
        """Frames are looked at for a request from now on, if it was not cancelled meanwhile."""
        general = request.kind == "narration"
        await self._engine.run(lambda: self._stream.standing.put(request.id, block, general=general))
        if request not in self._wanted():
            await self.let_go(request.id)

    async def let_go(self, request_id: str) -> None:
        self._remembered.pop(request_id, None)
        await self._engine.run(lambda: self._stream.standing.remove(request_id))

    def keep(self) -> None:
        """Have what stands outlive this process, with the blocks by which it is remembered."""
        entries = [
            {**request.to_json(), "block": self._remembered.get(request.id)} for request in self._wanted()
        ]
        self._stream.memory.notes.keep({"standing_requests": entries})
