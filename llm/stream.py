"""One session's language model: what it has read, and the answers it writes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from llm.backbone import Backbone
from llm.chat import ChatFormat, Passage
from llm.context import Context
from llm.digest import Digester
from memory.block import Block, BlockInfo
from memory.memory import StreamMemory
from streams.config import LlmConfig, MemoryConfig
from streams.conversation import Role
from streams.errors import InvalidRequestError
from streams.types import BlockKind

BASELINE_QUESTIONS = (
    "What did you see?",
    "Was there anything?",
    "Which thing did you notice at the start?",
    "Did you see it?",
    "When did you see that?",
    "Who was there?",
    "What happened?",
)

SINKS_KEPT = 8
"""Instructions whose sinks are kept ready, over all sessions."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Instructions as sinks, and the mean query of questions in general under them."""

    sinks: Block
    baseline: Tensor


class Reader:
    """Reads passages into blocks. Shared by all sessions; used on the engine thread.

    What takes more than one forward pass is a generator that yields between passes, so that the
    engine can serve others in between.
    """

    def __init__(self, backbone: Backbone, chat: ChatFormat, config: LlmConfig) -> None:
        self.backbone = backbone
        self.chat = chat
        self.config = config
        self.digester = Digester.of(backbone.spec)
        self.prompt = lru_cache(maxsize=SINKS_KEPT)(self._prompt)

    def _prompt(self, instructions: str) -> Prompt:
        context = self.backbone.new_context()
        passage = self.chat.instructions(instructions)
        sinks = run(
            self.read(passage, [], context, block_info(0, BlockKind.SYSTEM, 0, 0, instructions, passage))
        )
        queries = [
            run(self.query(self.chat.question(0, question), [sinks], context))
            for question in BASELINE_QUESTIONS
        ]
        return Prompt(sinks, torch.stack(queries).mean(0))

    def read(
        self, passage: Passage, before: Sequence[Block], context: Context, info: BlockInfo
    ) -> Generator[None, None, Block]:
        """The block that ``passage`` becomes after ``before``. Mutates ``context``."""
        self.assemble(context, before, len(passage.ids))
        yield from self.prefill(passage.ids, context)
        return self.seal(context, 0, passage, info)

    def assemble(self, context: Context, blocks: Sequence[Block], room: int) -> None:
        """Put ``blocks`` before ``room`` new tokens. Raises InvalidRequestError past the model's length."""
        needed = sum(block.tokens for block in blocks) + room
        if needed > self.backbone.spec.max_positions:
            raise InvalidRequestError(
                f"{needed} tokens of context are more than the model's {self.backbone.spec.max_positions}",
                code="context_length_exceeded",
            )
        device = self.backbone.spec.device
        context.assemble([block.to(device) for block in blocks], room)

    def prefill(self, ids: Sequence[int], context: Context) -> Generator[None, None, Tensor]:
        """Read ``ids`` in chunks and return the last hidden state [hidden]. Mutates ``context``."""
        chunk = self.config.prefill_chunk_tokens
        hidden: Tensor | None = None
        for start in range(0, len(ids), chunk):
            if start:
                yield
            embeddings = self.backbone.embed(ids[start : start + chunk])
            hidden = self.backbone.forward(embeddings, context)
        assert hidden is not None, "nothing to read"
        return hidden[-1]

    def query(
        self, passage: Passage, before: Sequence[Block], context: Context
    ) -> Generator[None, None, Tensor]:
        """What ``passage`` looks for, after ``before``: [index layers, dim]. Mutates ``context``.

        Of a long passage its last chunk speaks: that is where the question is.
        """
        chunk = self.config.prefill_chunk_tokens
        self.assemble(context, before, len(passage.ids))
        cut = max(passage.end - chunk, 0)
        if cut:
            yield from self.prefill(passage.ids[:cut], context)
            yield
        self.backbone.forward(self.backbone.embed(passage.ids[cut : passage.end]), context, observe=True)
        start = max(passage.start - cut, 0)
        return self.digester.query(context.take_queries(), start, passage.end - cut)

    def seal(self, context: Context, offset: int, passage: Passage, info: BlockInfo) -> Block:
        """A block of the tokens of ``passage``, which ``context`` appended from ``offset`` on."""
        keys, values = context.appended_keys_values(offset, offset + len(passage.ids))
        digest = self.digester.digest(keys, passage.start, passage.end)
        return Block(info, keys, values, digest)


class Stream:
    """What one session has read so far, in its memory. Used on the engine thread."""

    def __init__(self, reader: Reader, config: MemoryConfig, folder: Path, instructions: str) -> None:
        self.reader = reader
        self.prompt = reader.prompt(instructions)
        self._context = reader.backbone.new_context()
        self.answer_context = reader.backbone.new_context()
        digester = reader.digester
        self.memory = StreamMemory(
            self.prompt.sinks,
            config,
            folder,
            index_layers=len(digester.layers),
            index_dim=digester.dim,
        )

    def instruct(self, instructions: str) -> None:
        """Take new instructions from here on; blocks read before stay as they are."""
        self.prompt = self.reader.prompt(instructions)
        self.memory.sinks = self.prompt.sinks

    def see(self, start_us: int, end_us: int, names: str) -> Generator[None, None, Block]:
        """Read what a frame showed."""
        passage = self.reader.chat.sight(start_us, names)
        return (yield from self._take_in(passage, BlockKind.FRAME, start_us, end_us, names))

    def overhear(self, start_us: int, end_us: int, words: str) -> Generator[None, None, Block]:
        """Read what was said but not to be answered."""
        passage = self.reader.chat.overheard(start_us, words)
        return (yield from self._take_in(passage, BlockKind.UTTERANCE, start_us, end_us, words))

    def take_message(self, at_us: int, role: Role, words: str) -> Generator[None, None, Block]:
        """Read a message that a client put into the conversation as said by ``role``."""
        kind = BlockKind.REPLY if role == "assistant" else BlockKind.UTTERANCE
        passage = self.reader.chat.message(role, at_us, words)
        return (yield from self._take_in(passage, kind, at_us, at_us, words))

    def _take_in(
        self, passage: Passage, kind: BlockKind, start_us: int, end_us: int, text: str
    ) -> Generator[None, None, Block]:
        info = block_info(self.memory.next_id(), kind, start_us, end_us, text, passage)
        before = [self.memory.sinks, *self.memory.recent()]
        block = yield from self.reader.read(passage, before, self._context, info)
        self.memory.append(block)
        return block

    @property
    def device_bytes(self) -> int:
        """Window and working buffers."""
        return self.memory.stats().device_bytes + self._context.nbytes + self.answer_context.nbytes

    def close(self) -> None:
        self.memory.close()


Result = TypeVar("Result")


def run(steps: Generator[None, None, Result]) -> Result:
    """Run ``steps`` to the end without yielding to others, and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result


def block_info(
    block_id: int, kind: BlockKind, start_us: int, end_us: int, text: str, passage: Passage
) -> BlockInfo:
    return BlockInfo(block_id, kind, start_us, end_us, text, len(passage.ids))
