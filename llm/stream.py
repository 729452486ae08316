"""One session's language model: what it has read, and the answers it writes."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llm.backbone import Backbone
from llm.chat import ChatFormat, Passage
from llm.context import Context
from llm.digest import Digester
from llm.embedding import TextEmbedder
from llm.positions import gaps
from llm.primer import primed
from llm.sinks import SinksCache, Tools
from llm.speaking import Speaking
from llm.standing import Standing
from llm.steps import run as run
from memory.block import SINKS_ID, Block, BlockInfo
from memory.memory import StreamMemory
from memory.shape import MemoryShape
from memory.store.identity import Fingerprint
from streams.config import LlmConfig
from streams.conversation import Role
from streams.errors import InvalidRequestError
from streams.types import BlockKind

TEXTS_KEPT = 4_096
"""Texts whose embeddings are kept ready: a camera sees the same things again and again."""


class Reader:
    """Reads passages into blocks. Shared by all sessions; used on the engine thread.

    What takes more than one forward pass is a generator that yields between passes, so that the
    engine can serve others in between.
    """

    def __init__(
        self,
        backbone: Backbone,
        chat: ChatFormat,
        config: LlmConfig,
        *,
        with_primer: bool = False,
        embedder: TextEmbedder | None = None,
        speak_threshold: float | None = None,
    ) -> None:
        """``with_primer``: an example exchange stands behind every session's instructions.

        With ``embedder`` each block also gets an embedding of what it says. ``speak_threshold`` is that of
        a model that was trained to tell when to speak (``speaking.Speaking``), None for others.
        """
        self.with_primer = with_primer
        self.embedder = embedder
        self.backbone = backbone
        self.chat = chat
        self.config = config
        self.speaking = None if speak_threshold is None else Speaking(backbone, chat, speak_threshold)
        self.digester = Digester.of(backbone.spec)
        self._embedding = lru_cache(maxsize=TEXTS_KEPT)(self._embed_one)
        self._sinks = SinksCache(self._read_sinks)

    def check_instructions(self, instructions: str, tools: Tools = ()) -> None:
        """Raises InvalidRequestError when they leave no room for anything else. Runs no model."""
        self.chat.check_tools(tools)
        self.check_text(instructions)
        self._check_length(len(self._opening(instructions, tools).ids) + 1)

    @property
    def max_text_tokens(self) -> int:
        """What one text may have: half of the context, so that there is room for all else and an answer."""
        return self.backbone.spec.max_positions // 2

    def surely_fits(self, text: str) -> bool:
        """Whether ``check_text`` would pass, told without looking for tokens: each is a byte or more."""
        return len(text.encode()) <= self.max_text_tokens

    def check_text(self, text: str) -> None:
        """Raises InvalidRequestError for a text of more than ``max_text_tokens``. Runs no model."""
        tokens = len(self.chat.instructions(text).ids)
        if tokens > self.max_text_tokens:
            raise InvalidRequestError(
                f"a text of {tokens} tokens is more than the {self.max_text_tokens} that one may have",
                code="context_length_exceeded",
            )

    def _opening(self, instructions: str, tools: Tools) -> Passage:
        passage = self.chat.instructions(instructions, tools)
        return primed(self.chat, passage) if self.with_primer else passage

    def prepare_sinks(self, instructions: str, tools: Tools = ()) -> Generator[None, None, Block]:
        """The block that instructions become, which never leaves the device."""
        return self._sinks.get(instructions, tools)

    def sinks(self, instructions: str, tools: Tools = ()) -> Block:
        return run(self.prepare_sinks(instructions, tools))

    def _read_sinks(self, instructions: str, tools: Tools) -> Generator[None, None, Block]:
        passage = self._opening(instructions, tools)
        info = BlockInfo(SINKS_ID, BlockKind.SYSTEM, 0, 0, instructions, len(passage.ids))
        return (yield from self.read(passage, [], self.backbone.new_context(), info))

    def shape(self, fingerprint: Fingerprint) -> MemoryShape:
        """What a memory has to know to keep this reader's blocks."""
        spec, digester = self.backbone.spec, self.digester
        embedding_dim = None if self.embedder is None else self.embedder.dim
        return MemoryShape(
            fingerprint, len(digester.layers), digester.dim, spec.dtype, spec.device, embedding_dim
        )

    def read(
        self, passage: Passage, before: Sequence[Block], context: Context, info: BlockInfo
    ) -> Generator[None, None, Block]:
        """The block that ``passage`` becomes after ``before``. Mutates ``context``."""
        return (yield from self.read_through(passage, before, context, info))[0]

    def read_through(
        self, passage: Passage, before: Sequence[Block], context: Context, info: BlockInfo
    ) -> Generator[None, None, tuple[Block, Tensor]]:
        """As ``read``, with the hidden state [hidden] of the passage's last token."""
        self.assemble(context, before, len(passage.ids))
        hidden = yield from self.prefill(passage.ids, context)
        return self.seal(context, 0, passage, info), hidden

    def assemble(self, context: Context, blocks: Sequence[Block], room: int, max_gap: int = 0) -> None:
        """Put ``blocks`` before ``room`` new tokens. Raises InvalidRequestError past the model's length.

        Between blocks that did not follow each other up to ``max_gap`` positions stay free.
        """
        needed = sum(block.tokens for block in blocks) + room
        self._check_length(needed)
        spare = self.backbone.spec.max_positions - needed
        context.assemble(blocks, room, gaps(blocks, max_gap, spare))

    def _check_length(self, tokens: int) -> None:
        limit = self.backbone.spec.max_positions
        if tokens > limit:
            raise InvalidRequestError(
                f"{tokens} tokens of context are more than the model's {limit}",
                code="context_length_exceeded",
            )

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

    def seal(self, context: Context, offset: int, passage: Passage, info: BlockInfo) -> Block:
        """A block of the tokens of ``passage``, which ``context`` appended from ``offset`` on."""
        keys, values = context.appended_keys_values(offset, offset + len(passage.ids))
        digest = self.digester.digest(keys, passage.start, passage.end)
        embedding = None
        if self.embedder is not None and info.kind is not BlockKind.SYSTEM:
            embedding = torch.from_numpy(self._embedding(info.text)).half()
        return Block(info, keys, values, digest, embedding)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Text embeddings [n, dim]. Only with an embedder."""
        assert self.embedder is not None, "there is no embedder"
        return self.embedder.embed(texts)

    def embedding(self, text: str) -> NDArray[np.float32]:
        """The embedding [dim] of a text that comes again. Only with an embedder."""
        return self._embedding(text)

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector


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
        info = self.memory.new_info(kind, start_us, end_us, text, len(passage.ids))
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
