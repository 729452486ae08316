"""A script that a session has read, and its questions answered over one set of blocks or another."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from llm.answer import Answer
from llm.passage import Passage
from llm.question import Question
from llm.reader import Reader
from llm.scoring import ScoredAnswer
from llm.steps import run
from llm.stream import Stream
from memory.block import Block, BlockInfo
from memory.host import MemoryHost
from memory.recaller import Recalled
from memory.shape import MemoryShape
from streams.bench.evidence_set import Case, Piece, Script
from streams.config import INSTRUCTIONS, MemoryConfig
from streams.types import BlockKind

ANSWER_TOKENS = 24
"""An answer is cut off there, all alike."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's token ids and text."""

    ids: tuple[int, ...]
    text: str

    def holds(self, value: str) -> bool:
        """Whether ``value`` is in it, in whole words and whatever the case."""
        return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self.text, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class CaseReplies:
    """One question's replies by condition; ``recalled`` are the blocks that memory handed back."""

    case: Case
    replies: Mapping[str, Reply]
    outside: bool
    """Whether the evidence had left the window."""
    recalled: tuple[int, ...]
    found: bool
    """Whether the evidence was in the window or recalled."""

    def right(self, condition: str) -> bool:
        return self.replies[condition].holds(self.case.value)

    def same(self, condition: str) -> bool:
        """Whether it is full attention's answer, token for token."""
        return self.replies[condition].ids == self.replies["full"].ids

    def and_also(self, condition: str, reply: Reply) -> CaseReplies:
        return replace(self, replies={**self.replies, condition: reply})


class AnswerOver(ScoredAnswer):
    """An answer that is handed ``blocks`` beside the window, whatever it asks; remembers nothing."""

    def __init__(self, stream: Stream, question: Question, blocks: Iterable[Block]) -> None:
        super().__init__(stream, question, max_tokens=ANSWER_TOKENS, remember=False)
        self._blocks = tuple(blocks)

    def _recall(self, asked: Passage, sinks: Block) -> Recalled:
        return Recalled(self._blocks, ())


class Told:
    """A script that a session has read. Its questions change nothing in it."""

    def __init__(self, stream: Stream, script: Script) -> None:
        """Reads the script into ``stream``, which must be empty."""
        self.stream = stream
        self.script = script
        self.block_ids = [run(_take_in(stream, piece)).id for piece in script.pieces]

    def all_sealed(self) -> list[Block]:
        """All blocks that left the window, in time order, as memory hands them back."""
        memory = self.stream.memory
        return memory.fetch([info.id for info in memory.sealed()])

    def is_outside(self, case: Case) -> bool:
        """Whether the evidence has left the window."""
        return self.block_ids[case.evidence] not in [block.id for block in self.stream.memory.recent()]

    def question(self, case: Case) -> Question:
        return Question(case.question, self.script.end_us, self.script.end_us)

    def reply(self, case: Case, blocks: Iterable[Block]) -> Reply:
        """The answer over ``blocks`` and the window."""
        return _write(AnswerOver(self.stream, self.question(case), blocks))[0]

    def ask(self, case: Case) -> CaseReplies:
        """Answer ``case`` under all conditions but one pass."""
        evidence, outside = self.block_ids[case.evidence], self.is_outside(case)
        own = Answer(self.stream, self.question(case), max_tokens=ANSWER_TOKENS, remember=False)
        recall, recalled = _write(own)
        replies = {
            "full": self.reply(case, self.all_sealed()),
            "window": self.reply(case, ()),
            "recall": recall,
            "oracle": self.reply(case, self.stream.memory.fetch([evidence]) if outside else ()),
        }
        return CaseReplies(case, replies, outside, recalled, not outside or evidence in recalled)


def _take_in(stream: Stream, piece: Piece) -> Generator[None, None, Block]:
    take = stream.see if piece.kind is BlockKind.FRAME else stream.overhear
    return take(piece.at_us, piece.at_us, piece.text)


def _write(answer: Answer) -> tuple[Reply, tuple[int, ...]]:
    """The whole answer, and the ids of the blocks that memory handed back for it."""
    recalled = tuple(moment.block_id for moment in run(answer.prepare()))
    text = answer.write(0)
    return Reply(tuple(token.id for token in answer.written), text), recalled


@contextmanager
def opened(reader: Reader, shape: MemoryShape, memory: MemoryConfig) -> Iterator[Callable[[str], Stream]]:
    """Opens streams by name, all on one memory that is gone in the end."""
    host = MemoryHost(
        memory.model_copy(update={"dir": None}), shape, reader.embed if reader.embedder else None
    )
    try:
        yield lambda name: Stream(reader, host.open(name), INSTRUCTIONS)
    finally:
        host.close()


def read_in_one_pass(stream: Stream, script: Script) -> Block:
    """The whole script as one block, each token after all before it."""
    reader, chat = stream.reader, stream.reader.chat
    ids: list[int] = []
    for piece in script.pieces:
        write = chat.sight if piece.kind is BlockKind.FRAME else chat.overheard
        ids += write(piece.at_us, piece.text).ids
    info = BlockInfo(1, BlockKind.UTTERANCE, 0, script.end_us, "", len(ids))
    context = reader.backbone.new_context()
    return run(reader.read(Passage(tuple(ids), 0, len(ids)), [stream.sinks], context, info))
