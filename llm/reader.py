"""Reads passages into blocks: what all sessions share of a language model."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llm.backbone import Backbone
from llm.chat import ChatFormat
from llm.context import Context
from llm.digest import Digester
from llm.embedding import TextEmbedder
from llm.passage import Passage
from llm.positions import gaps
from llm.primer import primed
from llm.prompt import compose
from llm.sinks import SinksCache, Tools
from llm.speaking import Speaking
from llm.steps import run
from llm.visual import Eye
from memory.block import SINKS_ID, Block, BlockInfo
from memory.shape import MemoryShape
from memory.store.identity import Fingerprint
from streams.config import LlmConfig
from streams.errors import InvalidRequestError
from streams.types import BlockKind

TEXTS_KEPT = 1_024
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
        eye: Eye | None = None,
    ) -> None:
        """``with_primer``: an example exchange stands behind every session's instructions.

        With ``embedder`` each block also gets an embedding of what it says. ``speak_threshold`` is that of
        a model that was trained to tell when to speak (``speaking.Speaking``), None for others. With
        ``eye`` the model sees frames as visual tokens; without one it is told their names.
        """
        self.with_primer = with_primer
        self.embedder = embedder
        self.eye = eye
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
            fingerprint,
            len(digester.layers),
            digester.dim,
            spec.dtype,
            spec.device,
            embedding_dim,
            wordless=self.eye is not None and not self.eye.speaks,
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
        self.assemble(context, before, passage.extent)
        hidden = yield from self.prefill([passage], context)
        return self.seal(context, 0, passage, info), hidden

    def assemble(self, context: Context, blocks: Sequence[Block], room: int, max_gap: int = 0) -> None:
        """Put ``blocks`` before new tokens, which take ``room`` of the model's length (``Passage.extent``).

        Raises InvalidRequestError past that length.
        Between blocks that did not follow each other up to ``max_gap`` positions stay free.
        """
        needed = sum(block.info.extent for block in blocks) + room
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

    def prefill(self, passages: Sequence[Passage], context: Context) -> Generator[None, None, Tensor]:
        """Read ``passages`` in chunks and return the last hidden state [hidden]. Mutates ``context``."""
        chunk = self.config.prefill_chunk_tokens
        prompt = compose(self.backbone, passages, context.position)
        hidden: Tensor | None = None
        for start in range(0, len(prompt), chunk):
            if start:
                yield
            part = prompt.cut(start, start + chunk)
            hidden = self.backbone.forward(part.embeddings, context, positions=part.positions, deep=part.deep)
        assert hidden is not None, "nothing to read"
        return hidden[-1]

    def seal(self, context: Context, offset: int, passage: Passage, info: BlockInfo) -> Block:
        """A block of the tokens of ``passage``, which ``context`` appended from ``offset`` on."""
        keys, values = context.appended_keys_values(offset, offset + len(passage.ids))
        digest = self.digester.digest(keys, passage.start, passage.end)
        embedding = None
        if self.embedder is not None and info.kind is not BlockKind.SYSTEM:
            says = ", ".join(part for part in (info.text, passage.likely) if part)
            embedding = torch.from_numpy(self._embedding(says)).half()
        return Block(info, keys, values, digest, embedding)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Text embeddings [n, dim], zeros of what says nothing. Only with an embedder."""
        assert self.embedder is not None, "there is no embedder"
        embedded = np.zeros((len(texts), self.embedder.dim), dtype=np.float32)
        says = [i for i, text in enumerate(texts) if text]
        if says:
            embedded[says] = self.embedder.embed([texts[i] for i in says])
        return embedded

    def embedding(self, text: str) -> NDArray[np.float32]:
        """The embedding [dim] of a text that comes again. Only with an embedder."""
        return self._embedding(text)

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector
