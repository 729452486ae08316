"""What a session is told becomes memory, and is taken out of it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from gateway.backend import Backend
from gateway.live.newest import Newest
from gateway.live.response import Stopwatch
from llm.sinks import Tools
from llm.stream import Stream
from memory.block import Block
from streams.conversation import FunctionCall, FunctionOutput, Role
from streams.errors import InvalidRequestError
from streams.item_list import MAX_ITEMS


@dataclass(frozen=True, slots=True)
class Said:
    """Something said to the session that no response has taken up yet; ``watch`` runs since its end.

    ``ended_ms``: so long after its end it was known to have ended; None of what was written.
    """

    text: str
    start_us: int
    end_us: int
    item_id: str
    watch: Stopwatch
    ended_ms: float | None = None


class ReadingObserver(Protocol):
    """Who is told of what is read, on the event loop's thread."""

    def heard(self, heard: Said) -> None:
        """A user said or wrote this to the session; it was not read yet."""
        ...

    async def take_in(self, item_id: str) -> None:
        """What was said before the item that was heard has been read."""
        ...

    def became(self, item_id: str, block: int) -> None:
        """An item is remembered as this block, among others."""
        ...

    def forgotten(self, item_id: str) -> None: ...

    async def saw(self, block: Block, urge: float | None) -> None:
        """A frame was read; ``urge`` as ``Stream.watch`` has it."""
        ...


class Reading:
    """One session's memory as its conversation sees it: which items became which blocks.

    Passages are read one after another; meanwhile answers are still written.
    """

    def __init__(self, backend: Backend, stream: Stream) -> None:
        self._engine = backend.engine
        self._stream = stream
        self._lock = asyncio.Lock()
        self._pending: Said | None = None
        self._blocks: Newest[str, list[int]] = Newest(MAX_ITEMS)
        self.observer: ReadingObserver | None = None

    @property
    def pending(self) -> Said | None:
        """What the next response answers."""
        return self._pending

    def take_pending(self) -> Said | None:
        pending, self._pending = self._pending, None
        return pending

    async def hear(self, heard: Said) -> None:
        """Make ``heard`` what the next response answers; what waited before it was only said."""
        before, self._pending = self._pending, heard
        if self.observer is not None:
            self.observer.heard(heard)
        try:
            await self._overhear(before)
        finally:
            if self.observer is not None:
                await self.observer.take_in(heard.item_id)

    async def overhear_pending(self) -> None:
        """What nobody answered was said all the same."""
        await self._overhear(self.take_pending())

    async def _overhear(self, heard: Said | None) -> None:
        if heard is not None:
            await self.read(self._stream.overhear(heard.start_us, heard.end_us, heard.text), heard.item_id)

    async def take_message(self, at_us: int, role: Role, text: str, item_id: str) -> None:
        """A message that a client put into the conversation."""
        await self._take_turn(self._stream.take_message(at_us, role, text), item_id)

    async def take_call(self, at_us: int, call: FunctionCall) -> None:
        """A call that the conversation is given as made."""
        await self._take_turn(self._stream.take_call(at_us, call.name, call.arguments), call.id)

    async def take_output(self, at_us: int, output: FunctionOutput, name: str) -> None:
        """What the function ``name`` gave back."""
        await self._take_turn(self._stream.take_output(at_us, name, output.output), output.id)

    async def _take_turn(self, steps: Generator[None, None, Block], item_id: str) -> None:
        before = self.take_pending()
        if before is not None:
            # The item answers it, or goes on from it: it was a turn of the conversation.
            await self.read(self._stream.take_message(before.start_us, "user", before.text), before.item_id)
        await self.read(steps, item_id)

    async def check_text(self, text: str, param: str) -> None:
        """Raises InvalidRequestError for what is more than can be read at once; ``param`` is at fault."""
        reader = self._stream.reader
        if not reader.surely_fits(text):
            await self._check(lambda: reader.check_text(text), param)

    async def check_instructions(self, instructions: str, tools: Tools) -> None:
        """Raises InvalidRequestError when they leave no room for anything else."""
        reader = self._stream.reader
        if tools or not reader.surely_fits(instructions):
            await self._check(lambda: reader.check_instructions(instructions, tools), "instructions")

    async def _check(self, check: Callable[[], None], param: str) -> None:
        """Where it holds up nobody's sound: to find the tokens of a long text takes a while."""
        try:
            await self._engine.run(check)
        except InvalidRequestError as error:
            raise InvalidRequestError(error.message, param=error.param or param, code=error.code) from None

    async def instruct(self, instructions: str) -> None:
        async with self._lock:
            await self._engine.run(lambda: self._stream.instruct(instructions))

    async def prepare_tools(self, instructions: str, tools: Tools) -> None:
        """Have what the model is told of tools read before it is asked."""
        await self._engine.drive(self._stream.reader.prepare_sinks(instructions, tools))

    async def read(self, steps: Generator[None, None, Block], item_id: str = "") -> Block:
        """Read a passage of the item, if it is one's."""
        memory = self._stream.memory
        if memory.must_wait:
            await asyncio.to_thread(memory.wait_for_room)
        block = await self.read_apart(steps)
        self.became(item_id, block.id)
        return block

    async def read_apart(self, steps: Generator[None, None, Block]) -> Block:
        """Read a passage of which memory takes nothing in, after those that are being read."""
        async with self._lock:
            return await self._engine.drive(steps)

    async def see(self, seeing: Generator[None, None, Block]) -> Block:
        """Read a frame of the camera's, and speak up if one was waited for."""
        memory = self._stream.memory
        if memory.must_wait:
            await asyncio.to_thread(memory.wait_for_room)
        async with self._lock:
            block, urge = await self._engine.drive(self._stream.watch(seeing))
        if self.observer is not None:
            await self.observer.saw(block, urge)
        return block

    def became(self, item_id: str, block_id: int | None) -> None:
        """The item is remembered as this block, among others."""
        if item_id and block_id is not None:
            self._blocks.setdefault(item_id, []).append(block_id)
            if self.observer is not None:
                self.observer.became(item_id, block_id)

    async def forget(self, item_id: str) -> None:
        """Nothing of the item is remembered any more, and nobody answers it. Raises MemoryStoreError."""
        if self._pending is not None and self._pending.item_id == item_id:
            self._pending = None
        if self.observer is not None:
            self.observer.forgotten(item_id)
        block_ids = self._blocks.pop(item_id, [])
        if block_ids:
            await asyncio.to_thread(self._stream.memory.forget, block_ids)

    async def reword(self, item_id: str, at_us: int, text: str) -> None:
        """A reply was only ``text``: what was not heard leaves memory, out of keys and values too.

        The shorter reply is read anew, since the marks that end it had attended to all of the longer.
        """
        if item_id not in self._blocks:
            return  # of out of band, or of before the session went on, nothing can be taken back
        await self.forget(item_id)
        if text:
            await self.read(self._stream.take_message(at_us, "assistant", text), item_id)
