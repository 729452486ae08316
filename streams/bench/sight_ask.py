"""One question about a stream, answered over different blocks of it. Nothing of it stays in memory.

*full*: all blocks, as full attention has them; *window*: the newest alone; *recall*: as shipped; *oracle*:
the blocks that hold the evidence; *uniform*: as many as recall may hand back, evenly spread over all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llm.memory_query import memory_query
from llm.question import Question
from llm.scoring import ScoredAnswer
from llm.steps import run
from llm.stream import Stream
from memory.block import BlockInfo
from memory.recall.span import parse_where
from streams.bench.evidence_told import AnswerOver
from streams.text_score import f1, holds
from streams.train.sample import Topic, Turn
from streams.types import BlockKind

CONDITIONS = ("full", "window", "recall", "oracle", "uniform")
RANKED = 8
"""So many moments are ranked for recall@k."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer. ``right``: what was written holds an accepted wording; ``likeliest``: of the choices the
    right one is, None where there are none."""

    text: str
    right: bool
    f1: float
    likeliest: bool | None
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's answers by condition.

    ``age_us`` is how long ago its oldest evidence ended. Of ``spans`` of evidence those without a frame in
    the window lie outside; ``ranks`` has for each of these the place, by score, of the first frame that shows
    it among the best ``RANKED`` blocks, None when there is none; ``kept`` counts those that memory has a
    frame of.
    """

    topic: Topic
    question: str
    at_us: int
    age_us: int
    spans: int
    ranks: tuple[int | None, ...]
    kept: int
    given: Mapping[str, Given]

    @property
    def outside(self) -> int:
        return len(self.ranks)


class Asker:
    """Asks on the engine's thread, under each of ``CONDITIONS``."""

    def ask(self, stream: Stream, turn: Turn) -> Asked:
        """``turn`` has one reply, and is asked now."""
        memory = stream.memory
        sealed, recent = memory.sealed(), [block.info for block in memory.recent()]
        kind = BlockKind.UTTERANCE if turn.topic == "heard" else BlockKind.FRAME
        outside = _outside(turn.evidence, kind, sealed, recent)
        order = [] if not outside else _best(stream, turn, RANKED)
        by_id = {info.id: info for info in sealed}
        ranked = [by_id[block_id] for block_id in order]
        shown = [[info.id for info in _holding(sealed, kind, span)] for span in outside]
        return Asked(
            turn.topic,
            turn.text,
            turn.at_us,
            turn.at_us - min((end for _, end in turn.evidence), default=turn.at_us),
            len(turn.evidence),
            tuple(_place(ranked, kind, span) for span in outside),
            sum(map(bool, shown)),
            self._given(stream, turn, sealed, sorted({block_id for ids in shown for block_id in ids})),
        )

    def _given(
        self, stream: Stream, turn: Turn, sealed: Sequence[BlockInfo], evidence: Sequence[int]
    ) -> dict[str, Given]:
        own = ScoredAnswer(stream, _question(turn), max_tokens=_ANSWER_TOKENS, remember=False)
        recalled = tuple(moment.block_id for moment in run(own.prepare()))
        ids = [info.id for info in sealed]
        blocks: dict[str, tuple[int, ...]] = {
            "full": tuple(ids),
            "window": (),
            "oracle": tuple(evidence),
            "uniform": _spread(
                [info.id for info in sealed if info.kind is BlockKind.FRAME],
                stream.memory.config.recall_blocks,
            ),
        }
        known = {recalled: _write(own, turn)}
        for condition in CONDITIONS:
            wanted = blocks.get(condition, recalled)
            if wanted not in known:
                over = AnswerOver(stream, _question(turn), stream.memory.fetch(wanted))
                run(over.prepare())
                known[wanted] = _write(over, turn)
        return {condition: known[blocks.get(condition, recalled)] for condition in CONDITIONS}


_ANSWER_TOKENS = 24


def _question(turn: Turn) -> Question:
    return Question(turn.text, turn.at_us, turn.at_us)


def _holding(infos: Iterable[BlockInfo], kind: BlockKind, span: Span) -> list[BlockInfo]:
    """The frames that were seen in ``span``, or what was said in it: the one does not tell the other."""
    start_us, end_us = span
    return [
        info
        for info in infos
        if info.kind is kind
        and info.start_us <= end_us
        and (info.end_us > start_us or info.start_us >= start_us)
    ]


def _outside(
    spans: Sequence[Span], kind: BlockKind, sealed: Sequence[BlockInfo], recent: Sequence[BlockInfo]
) -> list[Span]:
    """Those of ``spans`` that have left the window; what was never read has once it begins after that."""
    from_us = min((info.start_us for info in recent if info.kind is kind), default=0)
    gone = [span for span in spans if not _holding(recent, kind, span)]
    return [span for span in gone if _holding(sealed, kind, span) or span[1] < from_us]


def _place(ranked: Sequence[BlockInfo], kind: BlockKind, span: Span) -> int | None:
    return next((place for place, info in enumerate(ranked, 1) if _holding([info], kind, span)), None)


def _best(stream: Stream, turn: Turn, limit: int) -> list[int]:
    """The ids of the best blocks by the memory's policy, best first."""
    memory, reader = stream.memory, stream.reader
    asked = reader.chat.question(turn.at_us, turn.text)
    context = stream.take_context()
    query = memory_query(reader, memory, asked, turn.text, turn.at_us, stream.sinks, context)
    stream.return_context(context)
    moments = memory.recall(query, parse_where(turn.text, turn.at_us), limit).moments
    return [moment.block_id for moment in sorted(moments, key=lambda moment: -moment.score)]


def _spread(ids: Sequence[int], count: int) -> tuple[int, ...]:
    """``count`` of ``ids``, the middles of as many equal parts."""
    if len(ids) <= count:
        return tuple(ids)
    return tuple(ids[(2 * part + 1) * len(ids) // (2 * count)] for part in range(count))


def _write(answer: ScoredAnswer, turn: Turn) -> Given:
    """The whole answer; it is over then."""
    right = turn.replies[0]
    likeliest = None
    if turn.choices:
        weighed = [each.mean for each in answer.weigh(turn.choices)]
        likeliest = turn.choices[weighed.index(max(weighed))] == right.text
    context_tokens = answer.context_tokens
    text = answer.write(turn.at_us)
    accepted = (right.text, *right.accepted)
    best = max(f1(text, each) for each in accepted)
    return Given(text, holds(text, accepted), best, likeliest, context_tokens)
