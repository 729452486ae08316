"""One session's language model: what it has read, and the answers it writes."""

from __future__ import annotations

import weakref
from collections.abc import Generator

from torch import Tensor

from llm.context import Context
from llm.passage import Passage
from llm.reader import Reader
from llm.standing import Standing
from llm.visual import VisualTokens, in_words
from memory.block import Block
from memory.memory import StreamMemory
from streams.conversation import Role
from streams.types import BlockKind


class Stream:
    """What one session has read so far, in its memory. Used on the engine thread."""

    def __init__(self, reader: Reader, memory: StreamMemory, instructions: str) -> None:
        """Goes on in ``memory``; one that was restored keeps the instructions that it had."""
        self.reader = reader
        self.memory = memory
        if memory.sinks is None:
            memory.sinks = reader.sinks(instructions)
        self.standing = Standing()
        self._last_hidden: Tensor | None = None
        self._context = reader.backbone.new_context()
        self._idle_contexts: list[Context] = []
        self._answer_contexts: weakref.WeakSet[Context] = weakref.WeakSet()

    @property
    def sinks(self) -> Block:
        assert self.memory.sinks is not None
        return self.memory.sinks

    @property
    def instructions(self) -> str:
        return self.sinks.info.text

    def take_context(self) -> Context:
        """A working context for one answer, to be handed back; answers at the same time have one each."""
        if self._idle_contexts:
            return self._idle_contexts.pop()
        context = self.reader.backbone.new_context()
        self._answer_contexts.add(context)
        return context

    def return_context(self, context: Context) -> None:
        """Its buffers are used by the next answer; more than one is not kept for that."""
        if not self._idle_contexts:
            self._idle_contexts.append(context)

    def instruct(self, instructions: str) -> None:
        """Take new instructions from here on; blocks read before stay as they are."""
        self.memory.sinks = self.reader.sinks(instructions)

    def see(self, start_us: int, end_us: int, shown: str | VisualTokens) -> Generator[None, None, Block]:
        """Read what a frame showed: its names, or the visual tokens of the reader's eye."""
        passage = self.reader.chat.sight(start_us, shown)
        return (yield from self._take_in(passage, BlockKind.FRAME, start_us, end_us, in_words(shown)))

    def overhear(self, start_us: int, end_us: int, words: str) -> Generator[None, None, Block]:
        """Read what was said but not to be answered."""
        passage = self.reader.chat.overheard(start_us, words)
        return (yield from self._take_in(passage, BlockKind.UTTERANCE, start_us, end_us, words))

    def take_message(self, at_us: int, role: Role, words: str) -> Generator[None, None, Block]:
        """Read a message that a client put into the conversation as said by ``role``."""
        kind = BlockKind.REPLY if role == "assistant" else BlockKind.UTTERANCE
        passage = self.reader.chat.message(role, at_us, words)
        return (yield from self._take_in(passage, kind, at_us, at_us, words))

    def read_alone(self, at_us: int, words: str) -> Generator[None, None, Block]:
        """A block of what a user said that memory does not take in; nor is it what frames come after."""
        passage = self.reader.chat.message("user", at_us, words)
        info = self.memory.new_info(BlockKind.UTTERANCE, at_us, at_us, words, passage.tokens)
        before = [self.sinks, *self.memory.recent()]
        return (yield from self.reader.read(passage, before, self._context, info))

    def take_call(self, at_us: int, name: str, arguments: str) -> Generator[None, None, Block]:
        """Read a function call that a client put into the conversation as made."""
        passage = self.reader.chat.call(name, arguments)
        said = f"{name} {arguments}"
        return (yield from self._take_in(passage, BlockKind.REPLY, at_us, at_us, said))

    def take_output(self, at_us: int, name: str, output: str) -> Generator[None, None, Block]:
        """Read what the function ``name`` gave back."""
        passage = self.reader.chat.output(at_us, output)
        said = f"{name}: {output}"
        return (yield from self._take_in(passage, BlockKind.UTTERANCE, at_us, at_us, said))

    def _take_in(
        self, passage: Passage, kind: BlockKind, start_us: int, end_us: int, text: str
    ) -> Generator[None, None, Block]:
        info = self.memory.new_info(kind, start_us, end_us, text, passage.tokens, passage.grid)
        recent = self.memory.recent()
        before = [self.sinks, *(self.standing.before(recent) if kind is BlockKind.FRAME else recent)]
        reading = self.reader.read_through(passage, before, self._context, info)
        block, self._last_hidden = yield from reading
        self.memory.append(block)
        return block

    def watch(
        self, seeing: Generator[None, None, Block]
    ) -> Generator[None, None, tuple[Block, float | None]]:
        """The block that ``seeing`` reads, and how probable it is that something is to be said of it.

        None where nothing is to be looked out for, or the model was not trained to tell.
        """
        block = yield from seeing
        speaking, hidden = self.reader.speaking, self._last_hidden
        if speaking is None or hidden is None or not self.standing.watching:
            return block, None
        return block, speaking.urge(hidden)

    def nearest_request(self, frame: Block) -> str | None:
        """The standing request that ``frame`` is most likely about, by what is surely or likely in it;
        None where it is near none."""
        seen = None if frame.embedding is None or not frame.embedding.any() else frame.embedding.numpy()
        embedder = self.reader.embedder
        return self.standing.nearest(seen, None if embedder is None else self.reader.embedding)

    def find(self, block_id: int) -> Block:
        """A block of this stream, on the device. Raises KeyError, MemoryStoreError."""
        recent = (block for block in self.memory.recent() if block.id == block_id)
        return next(recent, None) or self.memory.fetch([block_id])[0]

    @property
    def device_bytes(self) -> int:
        """Window, standing requests and working buffers."""
        answers = sum(context.nbytes for context in self._answer_contexts)
        own = self._context.nbytes + self.standing.nbytes
        return self.memory.stats().device_bytes + own + answers

    def close(self) -> None:
        self.memory.close()
