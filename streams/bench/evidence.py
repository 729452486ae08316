"""Are questions answered alike with full attention and with what is recalled, however old the evidence?

Scripts of facts are read as a session reads them, each block once. Then every question is answered by the
code of the service, over different blocks: all there are (full attention), the window alone, the window and
what memory finds (recall), the window and the block that holds the fact (oracle). Beside them stands what the
stock model would do: attend to the whole text, read again in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import mean
from typing import TypeAlias

from llm.reader import Reader
from memory.codec.codec import Codec
from memory.codec.codecs import CODECS
from memory.recall.policies import resolve_policy
from memory.shape import MemoryShape
from streams.bench.evidence_set import Case, scripts
from streams.bench.evidence_told import CaseReplies, Reply, Told, opened, read_in_one_pass
from streams.bench.report import Cell, Column, Report
from streams.config import MemoryConfig

CONDITIONS = ("full", "window", "recall", "oracle")
ONE_PASS = "one_pass"

Advance: TypeAlias = Callable[[int], object]
"""Told how many questions were answered since it was called last."""

COLUMNS = (
    Column("age", "evidence"),
    Column("questions", "questions"),
    Column("outside", "outside window"),
    *(Column(f"right_{name}", name, ".0%") for name in CONDITIONS),
    Column("found", "found", ".0%"),
    Column("same_found", "found: as full", ".0%"),
    Column("same_oracle", "oracle: as full", ".0%"),
)
ONE_PASS_COLUMN = Column(f"right_{ONE_PASS}", "one pass", ".0%")
CODEC_COLUMNS = (
    Column("codec", "codec"),
    Column("questions", "questions"),
    Column("right", "right", ".0%"),
    Column("same", "as unchanged", ".0%"),
    Column("right_full", "right, full", ".0%"),
    Column("same_full", "full, as unchanged", ".0%"),
)


def ask_all(
    reader: Reader,
    shape: MemoryShape,
    memory: MemoryConfig,
    questions: int,
    advance: Advance,
    *,
    seed: int = 0,
    one_pass: bool = False,
) -> list[CaseReplies]:
    """Ask ``questions`` questions in all, of one script after the other.

    ``one_pass`` also answers over the text read in one pass, which takes about a third of the time again.
    """
    asked: list[CaseReplies] = []
    with opened(reader, shape, memory) as open_stream:
        for number, script in enumerate(scripts(questions, seed)):
            told = Told(open_stream(f"evidence-{number}"), script)
            answers = [told.ask(case) for case in _counted(script.cases, advance)]
            told.stream.close()
            if one_pass:
                empty = Told(open_stream(f"one-pass-{number}"), replace(script, pieces=()))
                whole = read_in_one_pass(empty.stream, script)
                answers = [each.and_also(ONE_PASS, empty.reply(each.case, [whole])) for each in answers]
                empty.stream.close()
            asked += answers
    return asked


def measure(
    reader: Reader,
    shape: MemoryShape,
    memory: MemoryConfig,
    questions: int,
    advance: Advance,
    *,
    seed: int = 0,
    one_pass: bool = False,
) -> Report:
    """Ask as ``ask_all`` does; a row for each age of the evidence, and one for all that left the window."""
    asked = ask_all(reader, shape, memory, questions, advance, seed=seed, one_pass=one_pass)
    ages = sorted({each.case.age_s for each in asked})
    rows = [_row(_age(age), [each for each in asked if each.case.age_s == age]) for age in ages]
    outside = [each for each in asked if each.outside]
    if outside:
        rows.append(_row("outside window", outside))
    columns = (*COLUMNS, ONE_PASS_COLUMN) if one_pass else COLUMNS
    notes = _notes(asked, resolve_policy(memory, shape))
    return Report("answers by age of the evidence", columns, tuple(rows), notes)


def _counted(cases: Iterable[Case], advance: Advance) -> Iterator[Case]:
    for case in cases:
        yield case
        advance(1)


def _age(seconds: int) -> str:
    for unit, length in (("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _row(age: str, asked: Sequence[CaseReplies]) -> dict[str, Cell]:
    outside = [each for each in asked if each.outside]
    found = [each for each in outside if each.found]
    return {
        "age": age,
        "questions": len(asked),
        "outside": len(outside),
        **{f"right_{name}": mean(each.right(name) for each in asked) for name in asked[0].replies},
        "found": mean(each.found for each in outside) if outside else None,
        "same_found": mean(each.same("recall") for each in found) if found else None,
        "same_oracle": mean(each.same("oracle") for each in asked),
    }


def _notes(asked: Sequence[CaseReplies], memory: MemoryConfig) -> tuple[str, ...]:
    outside = [each for each in asked if each.outside]
    known = [each for each in outside if each.right("full")]
    found = [each for each in known if each.found]
    return (
        "Facts overheard in streams of hours, asked for at their end; right: the value is in the answer. "
        "Full: all blocks handed back; oracle: the block that holds the fact. Found: that block is among "
        f"those recalled (at most {memory.recall_blocks}, by {memory.policy}, codec {memory.codec}).",
        f"Evidence outside the window that full attention answers rightly: {len(known)} of {len(outside)}. "
        f"It was found for {len(found)} of these, with {sum(each.right('recall') for each in found)} "
        f"answers right and {sum(each.same('recall') for each in found)} the same as full attention's, "
        "token for token.",
    )


def measure_codecs(
    reader: Reader,
    shape: MemoryShape,
    memory: MemoryConfig,
    questions: int,
    advance: Advance,
    *,
    seed: int = 0,
    codecs: Iterable[Codec] = tuple(CODECS.values()),
) -> Report:
    """What each of ``codecs`` does to answers over the same recalled blocks, and over all there are.

    The questions are those of ``measure`` whose evidence is outside the window.
    """
    codecs = tuple(codecs)
    exact = memory.model_copy(update={"codec": "exact"})
    changed: dict[str, list[tuple[CaseReplies, Reply, Reply]]] = {codec.name: [] for codec in codecs}
    with opened(reader, shape, exact) as open_stream:
        for number, script in enumerate(scripts(questions, seed)):
            told = Told(open_stream(f"codecs-{number}"), script)
            kept = {
                codec.name: [codec.decode(codec.encode(block), shape.dtype) for block in told.all_sealed()]
                for codec in codecs
            }
            for case in _counted(script.cases, advance):
                if not told.is_outside(case):
                    continue
                each = told.ask(case)
                for name, blocks in kept.items():
                    recalled = [block for block in blocks if block.id in each.recalled]
                    changed[name].append((each, told.reply(case, recalled), told.reply(case, blocks)))
            told.stream.close()
    rows = tuple(_codec_row(name, results) for name, results in changed.items() if results)
    policy = resolve_policy(memory, shape).policy
    note = f"Recalled by {policy} from exact blocks; the window is never encoded."
    return Report("answers by codec", CODEC_COLUMNS, rows, (note,))


def _codec_row(name: str, results: Sequence[tuple[CaseReplies, Reply, Reply]]) -> dict[str, Cell]:
    return {
        "codec": name,
        "questions": len(results),
        "right": mean(recalled.holds(each.case.value) for each, recalled, _ in results),
        "same": mean(recalled.ids == each.replies["recall"].ids for each, recalled, _ in results),
        "right_full": mean(full.holds(each.case.value) for each, _, full in results),
        "same_full": mean(full.ids == each.replies["full"].ids for each, _, full in results),
    }
