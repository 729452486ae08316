"""One answer: recall, read the question, write token by token, remember both."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from tokenizers.decoders import DecodeStream
from torch import Tensor

from llm.calling import Calling
from llm.constrained import ConstrainedSampler
from llm.context import Context
from llm.memory_query import memory_query
from llm.passage import Passage
from llm.question import Question
from llm.sampler import Sampler
from llm.schema import arguments_grammar
from llm.sinks import Tools
from llm.standing import in_order
from llm.stream import Stream
from memory.block import Block
from memory.recall.span import parse_where
from memory.recaller import Recalled
from streams.conversation import Tool
from streams.types import BlockKind, Moment, Token


@dataclass(frozen=True, slots=True)
class Given:
    """All that an answer is told, instead of what was read; ``question`` is what was said to it last."""

    passages: tuple[Passage, ...]
    question: str


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
        tools: Tools = (),
        must_call: bool = False,
        remember: bool = True,
    ) -> None:
        """``instructions`` replaces the stream's for this answer; ``remember`` False keeps no block of it.

        One of ``tools`` may be called instead of an answer in words, and is when it ``must_call``. Runs no
        model, and so may be called on any thread.
        """
        self._stream = stream
        self._question = question
        self._max_tokens = max_tokens
        self._remember = remember
        reader = stream.reader
        self._instructions = instructions
        self._tools = tools
        self._calling = Calling(reader, tools, must_call)
        self._arguments: ConstrainedSampler | None = None
        self._held: Context | None = None
        self._sampler = self._new_sampler(reader.config.repetition_penalty)
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._asked: Passage | None = None
        self._given: Given | None = None
        self._told: tuple[Passage, ...] = ()
        self._opening = reader.chat.ids(reader.chat.reply_prefix)
        self._closing = reader.chat.reply_suffix
        self._logits: Tensor | None = None
        self._unread: list[int] = []
        self._forced: list[int] = []
        self.call: Tool | None = None
        """The function that is called, once prepared: then its arguments are what is written."""
        self.written: list[Token] = []
        self.finished_by_model = False
        self.context_tokens = 0
        self.input_tokens = 0

    @property
    def _context(self) -> Context:
        assert self._held is not None, "the answer was not prepared, or is finished"
        return self._held

    @property
    def _told_tokens(self) -> int:
        return sum(passage.tokens for passage in self._told)

    def _new_sampler(self, repetition_penalty: float) -> Sampler:
        config = self._stream.reader.config
        return Sampler(
            temperature=config.temperature,
            top_p=config.top_p,
            repetition_penalty=repetition_penalty,
            seed=config.seed,
        )

    def give(self, given: Given) -> None:
        """Answer from this alone: nothing else is attended to, recalled or, of this, remembered."""
        self._given = given

    def prepare(self) -> Generator[None, None, tuple[Moment, ...]]:
        """Recall what the question needs and read it; returns the moments recalled, in time order.

        Then it is known whether a function is called.
        """
        stream, reader = self._stream, self._stream.reader
        self._held = stream.take_context()
        sinks = stream.sinks
        if self._instructions is not None or self._tools:
            instructions = stream.instructions if self._instructions is None else self._instructions
            sinks = yield from reader.prepare_sinks(instructions, self._tools)
        recalled = Recalled((), ())
        asked: Passage | None = None
        before: list[Block] = []
        if self._given is not None:
            self._told = self._given.passages
        else:
            if sought := self._question.sought:
                passage = reader.chat.question(self._question.start_us, sought)
                recalled = self._recall(passage, sinks)
                if self._question.text:
                    asked, self._told = passage, (passage,)
            # Taken together, with nothing read in between: each block is in one of the two.
            known = (*recalled.blocks, *stream.memory.recent())
            before = stream.standing.before(known) if self._question.unasked else in_order(known)
        yield
        closing = len(reader.chat.ids(self._closing))
        told = sum(passage.extent for passage in self._told)
        read = told + len(self._opening) + closing + self._calling.room
        taken = sum(block.info.extent for block in (sinks, *before)) + read
        # An answer may be as long as the model's context allows, which is then said to be incomplete.
        self._max_tokens = max(min(self._max_tokens, reader.backbone.spec.max_positions - taken), 1)
        max_gap = stream.memory.config.max_gap_tokens
        reader.assemble(self._context, [sinks, *before], read + self._max_tokens, max_gap)
        hidden = yield from reader.prefill((*self._told, Passage.of(self._opening)), self._context)
        self._logits = reader.backbone.logits(hidden)
        self._asked = asked
        question = self._given.question if self._given else self._question.text
        self.call = yield from self._calling.choose(question, self._logits, self._context)
        if self.call is not None:
            yield from self._open_call(self.call)
        self.context_tokens = self._context.length
        self.input_tokens = self._context.appended
        return recalled.moments

    def _open_call(self, tool: Tool) -> Generator[None, None, None]:
        """Read the call up to its arguments, which only the tool's schema is written to."""
        reader, calls = self._stream.reader, self._stream.reader.chat.calls
        opening = reader.chat.ids(calls.opening(tool.name))
        hidden = yield from reader.prefill([Passage.of(opening)], self._context)
        self._logits = reader.backbone.logits(hidden)
        self._opening = [*self._opening, *opening]
        self._closing = f"{calls.end}{self._closing}"
        # Arguments may say again what they said: a penalty on that would change their meaning.
        sampler = self._new_sampler(repetition_penalty=1)
        grammar = arguments_grammar(tool.parameters)
        self._arguments = ConstrainedSampler(sampler, reader.chat.grammar_tokenizer, grammar)

    def _recall(self, asked: Passage, sinks: Block) -> Recalled:
        memory, reader = self._stream.memory, self._stream.reader
        if not memory.sealed_count:
            return Recalled((), ())
        now_us, text = self._question.start_us, self._question.sought
        query = memory_query(reader, memory, asked, text, now_us, sinks, self._context)
        return memory.recall(query, parse_where(text, now_us))

    def step(self, now_us: int) -> Token | None:
        """Compute the next token, or None when the answer is complete or as long as it may be."""
        if self.finished_by_model or self._call_is_complete:
            self.finished_by_model = True
            return None
        if len(self.written) == self._max_tokens:
            return None
        token_id = self._next_word() if self._arguments is None else self._next_of(self._arguments)
        if token_id is None:
            self.finished_by_model = True
            return None
        text = self._decoder.step(self._stream.reader.chat.decoder, token_id) or ""
        if self.call is None and self._starts_note(text):
            self.finished_by_model = True
            return None
        token = Token(token_id, text, now_us)
        self.written.append(token)
        self._unread.append(token_id)
        return token

    def _next_word(self) -> int | None:
        """The next token of an answer in words, None when that has ended."""
        token_id = self._sampler.sample(self._scores())
        return None if token_id in self._stream.reader.chat.stop_ids else token_id

    @property
    def _call_is_complete(self) -> bool:
        return self._arguments is not None and self._arguments.complete and not self._forced

    def _next_of(self, arguments: ConstrainedSampler) -> int:
        """The next token of a call's arguments, which are not complete.

        What the schema alone decides is not computed: the model reads it together with what follows.
        """
        self._forced = self._forced or arguments.forced()
        return self._forced.pop(0) if self._forced else arguments.sample(self._scores())

    def _scores(self) -> Tensor:
        """The model's scores [vocab] for what follows all that was written."""
        backbone = self._stream.reader.backbone
        if self._unread:
            hidden = backbone.forward(backbone.embed(self._unread), self._context)
            self._logits, self._unread = backbone.logits(hidden[-1]), []
        assert self._logits is not None, "the answer was not prepared"
        return self._logits

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
        self._release()
        return kept

    def write(self, now_us: int) -> str:
        """Write all of it, finish it, and return what it says."""
        while self.step(now_us) is not None:
            pass
        self.finish(now_us)
        return "".join(token.text for token in self.written).strip()

    def discard(self) -> None:
        """End the answer as if it had never been asked for: nothing of it is remembered."""
        if self._held is not None:
            self._release()

    def _release(self) -> None:
        self._stream.return_context(self._context)
        self._held = None

    def _keep(self, now_us: int, keep_tokens: int | None) -> Kept:
        stream, reader = self._stream, self._stream.reader
        asked_id = None
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
            asked_id = info.id
        kept = self.written if keep_tokens is None else self.written[:keep_tokens]
        if not kept or (self.call is not None and not self.finished_by_model):
            return Kept(asked_id)  # half a call was none
        offset, closing = self._told_tokens, reader.chat.ids(self._closing)
        ids = (*self._opening, *(token.id for token in kept), *closing)
        start = len(self._opening)
        passage = Passage(ids, start, start + len(kept))
        # Tokens up to here have keys already; the last one written has none yet, and the marks that
        # close the turn were never written.
        ready = min(self._context.appended - offset, start + len(kept))
        self._context.truncate(offset + ready)
        for _ in reader.prefill([Passage.of(ids[ready:])], self._context):
            pass
        text = reader.chat.text([token.id for token in kept])
        if self.call is not None:
            text = f"{self.call.name} {text}"
        info = stream.memory.new_info(BlockKind.REPLY, kept[0].pts_us, now_us, text, len(ids))
        stream.memory.append(reader.seal(self._context, offset, passage, info))
        return Kept(asked_id, info.id)
