"""One answer: recall, read the question, write token by token, remember both."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from tokenizers.decoders import DecodeStream
from torch import Tensor

from llm.chat import Passage
from llm.context import Context
from llm.sampler import Sampler
from llm.stream import Stream
from memory.block import Block
from memory.recall.policy import Query
from memory.recall.span import parse_where
from memory.recaller import Recalled
from streams.types import BlockKind, Moment, Token


@dataclass(frozen=True, slots=True)
class Question:
    """``text`` may be empty: the model then goes on from what it has read."""

    text: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The blocks that a question and its answer became; None for what is not remembered."""

    question: int | None = None
    reply: int | None = None


class Answer:
    """Writes one answer. Used on the engine thread, in steps: ``prepare``, ``step`` …, ``finish``.

    A stream may have several at a time: each has a context of its own, and none changes what another
    attends to.
    """

    def __init__(
        self,
        stream: Stream,
        question: Question,
        *,
        max_tokens: int,
        instructions: str | None = None,
        remember: bool = True,
    ) -> None:
        """``instructions`` replaces the stream's for this answer; ``remember`` False keeps no block of it.

        Runs no model, and so may be called on any thread.
        """
        self._stream = stream
        self._question = question
        self._max_tokens = max_tokens
        self._remember = remember
        reader = stream.reader
        self._instructions = instructions
        self._held: Context | None = None
        config = reader.config
        self._sampler = Sampler(
            temperature=config.temperature,
            top_p=config.top_p,
            repetition_penalty=config.repetition_penalty,
            seed=config.seed,
        )
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._asked: Passage | None = None
        self._opening = reader.chat.ids(reader.chat.reply_prefix)
        self._logits: Tensor | None = None
        self.written: list[Token] = []
        self.finished_by_model = False
        self.context_tokens = 0
        self.input_tokens = 0

    @property
    def _context(self) -> Context:
        assert self._held is not None, "the answer was not prepared, or is finished"
        return self._held

    def prepare(self) -> Generator[None, None, tuple[Moment, ...]]:
        """Recall what the question needs and read it; returns the moments recalled, in time order."""
        stream, reader = self._stream, self._stream.reader
        self._held = stream.take_context()
        sinks = stream.sinks if self._instructions is None else reader.sinks(self._instructions)
        recalled = Recalled((), ())
        asked: Passage | None = None
        if self._question.text:
            asked = reader.chat.question(self._question.start_us, self._question.text)
            recalled = self._recall(asked, sinks)
        # Taken together, with nothing read in between: each block is in one of the two.
        before = sorted((*recalled.blocks, *stream.memory.recent()), key=lambda block: block.id)
        yield
        asked_ids = asked.ids if asked else ()
        closing = len(reader.chat.ids(reader.chat.reply_suffix))
        read = len(asked_ids) + len(self._opening) + closing
        taken = sum(block.tokens for block in (sinks, *before)) + read
        # An answer may be as long as the model's context allows, which is then said to be incomplete.
        self._max_tokens = max(min(self._max_tokens, reader.backbone.spec.max_positions - taken), 1)
        max_gap = stream.memory.config.max_gap_tokens
        reader.assemble(self._context, [sinks, *before], read + self._max_tokens, max_gap)
        hidden = yield from reader.prefill((*asked_ids, *self._opening), self._context)
        self._logits = reader.backbone.logits(hidden)
        self._asked = asked
        self.context_tokens = self._context.length
        self.input_tokens = self._context.appended
        return recalled.moments

    def _recall(self, asked: Passage, sinks: Block) -> Recalled:
        memory, reader = self._stream.memory, self._stream.reader
        if not memory.sealed_count:
            return Recalled((), ())
        now_us, text = self._question.start_us, self._question.text
        keys = embedding = None
        if memory.policy.uses_keys:
            keys = reader.query(asked, now_us, [sinks, *memory.recent()], self._context)
        if memory.policy.uses_embedding:
            embedding = reader.embed([text])[0]
        return memory.recall(Query(now_us, keys, embedding), parse_where(text, now_us))

    def step(self, now_us: int) -> Token | None:
        """Compute the next token, or None when the answer is complete or as long as it may be."""
        reader = self._stream.reader
        if self.finished_by_model or len(self.written) == self._max_tokens:
            return None
        if self._logits is None:
            hidden = reader.backbone.forward(reader.backbone.embed([self.written[-1].id]), self._context)
            self._logits = reader.backbone.logits(hidden[-1])
        token_id = self._sampler.sample(self._logits)
        self._logits = None
        if token_id in reader.chat.stop_ids:
            self.finished_by_model = True
            return None
        text = self._decoder.step(reader.chat.decoder, token_id) or ""
        if self._starts_note(text):
            self.finished_by_model = True
            return None
        token = Token(token_id, text, now_us)
        self.written.append(token)
        return token

    def _starts_note(self, text: str) -> bool:
        """Whether ``text`` opens a line with a time: small models go on with notes like those they read."""
        primed = self._stream.reader.with_primer
        return primed and bool(self.written) and self.written[-1].text.endswith("\n") and text.startswith("[")

    def finish(self, now_us: int, keep_tokens: int | None = None) -> Kept:
        """Remember the question and the first ``keep_tokens`` of the answer (all when None).

        Of an answer that was interrupted only what was heard is kept. Ends the answer.
        """
        if self._held is None:
            return Kept()
        kept = self._keep(now_us, keep_tokens) if self._remember else Kept()
        self._stream.return_context(self._held)
        self._held = None
        return kept

    def _keep(self, now_us: int, keep_tokens: int | None) -> Kept:
        stream, reader = self._stream, self._stream.reader
        offset, asked_id = 0, None
        if self._asked is not None:
            question = self._question
            info = stream.memory.new_info(
                BlockKind.UTTERANCE,
                question.start_us,
                question.end_us,
                question.text,
                len(self._asked.ids),
            )
            stream.memory.append(reader.seal(self._context, 0, self._asked, info))
            offset, asked_id = len(self._asked.ids), info.id
        kept = self.written if keep_tokens is None else self.written[:keep_tokens]
        if not kept:
            return Kept(asked_id)
        closing = reader.chat.ids(reader.chat.reply_suffix)
        ids = (*self._opening, *(token.id for token in kept), *closing)
        start = len(self._opening)
        passage = Passage(ids, start, start + len(kept))
        # Tokens up to here have keys already; the last one written has none yet, and the marks that
        # close the turn were never written.
        ready = min(self._context.appended - offset, start + len(kept))
        self._context.truncate(offset + ready)
        for _ in reader.prefill(ids[ready:], self._context):
            pass
        text = reader.chat.text([token.id for token in kept])
        info = stream.memory.new_info(BlockKind.REPLY, kept[0].pts_us, now_us, text, len(ids))
        stream.memory.append(reader.seal(self._context, offset, passage, info))
        return Kept(asked_id, info.id)
