"""Which recall policy finds the moment that answers a question? One stream, read once by the real model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import get_args

import numpy as np

from llm.key_query import key_query
from llm.reader import Reader
from llm.steps import run
from memory.block import Block, BlockInfo
from memory.index.growing import GrowingIndex
from memory.index.stored import load_index
from memory.recall.indexed import LoadIndex, NewIndex
from memory.recall.likeness import Likeness
from memory.recall.policies import new_policy
from memory.recall.policy import Entry, Query, RecallPolicy
from memory.recall.selection import select
from memory.recall.span import EVERYWHERE, Where, parse_where
from memory.window import Window
from streams.bench.recall_set import PROBES, Half, Probe, events, evidence_line
from streams.bench.report import Cell, Column, Report
from streams.config import MemoryConfig
from streams.types import BlockKind

PLACES = (1, 4, 8)
CANDIDATES = 256
POLICIES: tuple[str, ...] = get_args(MemoryConfig.model_fields["policy"].annotation)

COLUMNS = (
    Column("policy", "policy"),
    Column("filter", "time and kind"),
    Column("questions", "questions"),
    *(Column(f"recall_at_{k}", f"recall@{k}", ".2f") for k in PLACES),
    Column("seen_at_4", "seen @4", ".2f"),
    Column("said_at_4", "said @4", ".2f"),
    Column("query_ms", "query ms", ".1f"),
    Column("rank_ms", "rank ms", ".2f"),
)
"""``query_ms`` is what the question's own representation takes, ``rank_ms`` finding and choosing blocks."""


@dataclass(frozen=True, slots=True)
class ReadProbe:
    """A question as policies see it; ``keys_ms`` and ``embedding_ms`` say what reading it took."""

    probe: Probe
    query: Query
    where: Where
    keys_ms: float
    embedding_ms: float


@dataclass(frozen=True, slots=True)
class Corpus:
    """The stream as blocks that left the window, the lines of the script they are of, and the questions
    asked at its end.
    """

    blocks: tuple[Block, ...]
    lines: dict[int, int]
    asked: tuple[ReadProbe, ...]


def read_corpus(reader: Reader, config: MemoryConfig, instructions: str, half: Half | None = None) -> Corpus:
    """Read the stream behind ``instructions`` as a session does, then every question (of ``half``).

    ``reader`` must have an embedder. Nothing is answered, so no question changes what the next one finds.
    """
    assert reader.embedder is not None, "the policies to compare include those by text embeddings"
    sinks, context = reader.sinks(instructions), reader.backbone.new_context()
    window = Window(frame_tokens=config.window_tokens, dialogue_tokens=config.dialogue_tokens)
    blocks: list[Block] = []
    lines: dict[int, int] = {}
    for block_id, event in enumerate(events(), 1):
        match event.kind:
            case BlockKind.FRAME:
                passage = reader.chat.sight(event.at_us, event.text)
            case BlockKind.UTTERANCE:
                passage = reader.chat.overheard(event.at_us, event.text)
            case _:
                passage = reader.chat.message("assistant", event.at_us, event.text)
        info = BlockInfo(block_id, event.kind, event.at_us, event.at_us, event.text, len(passage.ids))
        block = run(reader.read(passage, [sinks, *window.blocks()], context, info))
        lines[block_id] = event.line
        blocks += window.push(block)
    now_us = events()[-1].at_us
    asked = []
    for probe in (each for each in PROBES if half in (None, each.half)):
        start = perf_counter()
        question = reader.chat.question(now_us, probe.question)
        keys = key_query(reader, question, now_us, [sinks, *window.blocks()], context)
        middle = perf_counter()
        embedding = reader.embedder.embed([probe.question])[0]
        end = perf_counter()
        query = Query(now_us, keys, embedding)
        where = parse_where(probe.question, now_us)
        asked.append(ReadProbe(probe, query, where, (middle - start) * 1e3, (end - middle) * 1e3))
    return Corpus(tuple(blocks), lines, tuple(asked))


def measure(
    reader: Reader, config: MemoryConfig, instructions: str, new_index: NewIndex, load_index: LoadIndex
) -> list[dict[str, Cell]]:
    """A row for each policy, with what questions say of time and kind and without, over the test half."""
    corpus = read_corpus(reader, config, instructions, "test")
    dim, layers = reader.digester.dim, len(reader.digester.layers)
    embedding_dim = None if reader.embedder is None else reader.embedder.dim
    rows = []
    for name in POLICIES:
        policy = new_policy(
            config.model_copy(update={"policy": name}),
            layers=layers,
            dim=dim,
            embedding_dim=embedding_dim,
            new_index=new_index,
            load_index=load_index,
        )
        for block in corpus.blocks:
            policy.add(Entry.of(block))
        rows += [row(name, policy, corpus, "test", filtered=filtered) for filtered in (True, False)]
    return rows


def report(reader: Reader, config: MemoryConfig, instructions: str) -> Report:
    """As ``measure`` on the index that memories use, trained at once when it is due."""

    def new_index(dim: int) -> GrowingIndex:
        return GrowingIndex(dim, background=lambda job: job())

    def load(file: Path, dim: int) -> GrowingIndex:
        return load_index(file, dim, background=lambda job: job())

    rows = measure(reader, config, instructions, new_index, load)
    notes = (
        "One stream read by the model: things seen, things said, replies; questions whose words are not "
        "those of what answers them. recall@k: what answers is among the k best blocks handed back.",
        "time and kind: whether what the question itself says of them restricts the search.",
    )
    return Report("recall policies", COLUMNS, tuple(rows), notes)


def row(
    name: str, policy: RecallPolicy, corpus: Corpus, half: Half | None, *, filtered: bool
) -> dict[str, Cell]:
    """How often the blocks that would be handed back include one that answers; ``half`` None: all."""
    asked = [each for each in corpus.asked if half in (None, each.probe.half)]
    infos = {block.id: block.info for block in corpus.blocks}
    entries = {block.id: Entry.of(block) for block in corpus.blocks}
    places: list[int | None] = []
    start = perf_counter()
    for each in asked:
        where = each.where if filtered else EVERYWHERE
        allowed = np.array(sorted(i for i, info in infos.items() if where.admits(info)), dtype=np.int64)
        hits = policy.rank(each.query, CANDIDATES, allowed if where.restricts else None)
        chosen = select(hits, infos, max(PLACES), Likeness(entries.__getitem__))
        best_first = sorted(chosen, key=lambda hit: -hit.score)
        places.append(_place([corpus.lines[hit.block_id] for hit in best_first], evidence_line(each.probe)))
    rank_ms = (perf_counter() - start) * 1e3 / len(asked)
    seen = [_is_sight(each.probe) for each in asked]
    query_ms = mean(
        each.keys_ms * policy.uses_keys + each.embedding_ms * policy.uses_embedding for each in asked
    )
    return {
        "policy": name,
        "filter": "yes" if filtered else "no",
        "questions": len(asked),
        **{f"recall_at_{k}": _share(places, k) for k in PLACES},
        "seen_at_4": _share([place for place, is_seen in zip(places, seen, strict=True) if is_seen], 4),
        "said_at_4": _share([place for place, is_seen in zip(places, seen, strict=True) if not is_seen], 4),
        "query_ms": query_ms,
        "rank_ms": rank_ms,
    }


def _is_sight(probe: Probe) -> bool:
    line = evidence_line(probe)
    return next(event.kind for event in events() if event.line == line) is BlockKind.FRAME


def _place(lines: Sequence[int], line: int) -> int | None:
    return lines.index(line) + 1 if line in lines else None


def _share(places: Sequence[int | None], within: int) -> float:
    return mean(place is not None and place <= within for place in places)
