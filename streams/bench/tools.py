"""``streams bench tools``: is a function called when one is due, the right one, with the right arguments?"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import torch
from rich.console import Console
from rich.progress import Progress

from gateway.assembly import load_reader
from llm.answer import Answer
from llm.question import Question
from llm.steps import run as run_steps
from llm.stream import Stream
from streams.bench.evidence_told import opened
from streams.bench.report import Cell, Column, Report, emit_all
from streams.bench.tools_set import Case, Half, Output, cases, outputs
from streams.config import StreamsConfig
from streams.types import US_PER_S

CALL_TOKENS = 64
ANSWER_TOKENS = 48
TIMES_S = (3, 47, 730)
"""When outputs come: small models read the same differently at another time."""

CALLS = (
    Column("half", "half"),
    Column("questions", "questions"),
    Column("due", "call due"),
    Column("called", "called when due", ".0%"),
    Column("called_wrongly", "called when not", ".0%"),
    Column("decided", "decided rightly", ".0%"),
    Column("tool", "right tool when required", ".0%"),
    Column("arguments", "right arguments", ".0%"),
    Column("complete", "complete and valid", ".0%"),
)
ANSWERS = (
    Column("answers", "answers to outputs"),
    Column("told", "tell what the function gave", ".0%"),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a case: the tool called by choice, and the call when one was required."""

    case: Case
    chosen: str | None
    required: str
    arguments: dict[str, Any] | None
    """None when they were not complete."""

    @property
    def decided(self) -> bool:
        return self.chosen == self.case.call


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--half", choices=get_args(Half), help="one half of the questions (both)")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON; - is standard output")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    torch.set_num_threads(config.llm.threads or os.cpu_count() or 1)
    reader, shape = load_reader(config)
    halves: list[Half] = [args.half] if args.half else [*get_args(Half)]
    rows = []
    console = Console(stderr=True)
    with opened(reader, shape, config.memory) as open_stream, Progress(console=console) as progress:
        for half in halves:
            stream = open_stream(half)
            asked = progress.track(cases(half), description=half)
            rows.append(row(half, [try_case(stream, case) for case in asked]))
        stream = open_stream("outputs")
        given = progress.track(outputs(), description="outputs")
        told = [holds for each in given for holds in answers(stream, each)]
    notes = (
        "the threshold of a choice was chosen on the tune half, the words around outputs on these outputs",
        "arguments: of the calls with the right tool, those in which every value is right",
    )
    emit_all(
        "tools",
        [
            Report("calls", CALLS, tuple(rows), notes),
            Report("answers", ANSWERS, ({"answers": len(told), "told": share(told)},)),
        ],
        args.json,
    )
    return 0


def try_case(stream: Stream, case: Case) -> Tried:
    chosen = _ask(stream, case, must_call=False)
    run_steps(chosen.prepare())
    chosen.discard()
    if case.call is None:
        return Tried(case, chosen.call.name if chosen.call else None, "", None)
    call = _ask(stream, case, must_call=True)
    text = _write(call)
    assert call.call is not None, "a call was required"
    arguments = json.loads(text) if call.finished_by_model else None
    return Tried(case, chosen.call.name if chosen.call else None, call.call.name, arguments)


def _ask(stream: Stream, case: Case, *, must_call: bool) -> Answer:
    question = Question(case.question, 0, 0)
    return Answer(
        stream, question, max_tokens=CALL_TOKENS, tools=case.offered, must_call=must_call, remember=False
    )


def _write(answer: Answer) -> str:
    run_steps(answer.prepare())
    while answer.step(0) is not None:
        pass
    answer.discard()
    return "".join(token.text for token in answer.written)


def row(half: Half, tried: Sequence[Tried]) -> dict[str, Cell]:
    due = [each for each in tried if each.case.call is not None]
    not_due = [each for each in tried if each.case.call is None]
    right_tool = [each for each in due if each.required == each.case.call]
    return {
        "half": half,
        "questions": len(tried),
        "due": len(due),
        "called": share([each.chosen is not None for each in due]),
        "called_wrongly": share([each.chosen is not None for each in not_due]),
        "decided": share([each.decided for each in tried]),
        "tool": share([each.required == each.case.call for each in due]),
        "arguments": share([each.case.matches(each.arguments or {}) for each in right_tool]),
        "complete": share([each.arguments is not None for each in due]),
    }


def share(held: Sequence[bool]) -> float | None:
    return sum(held) / len(held) if held else None


def answers(stream: Stream, given: Output) -> Iterator[bool]:
    """Whether the answer tells what the function gave, at each of ``TIMES_S``."""
    for at_s in TIMES_S:
        at_us = at_s * US_PER_S
        memory = stream.memory
        for steps in (
            stream.take_message(at_us, "user", given.question),
            stream.take_call(at_us, given.tool.name, "{}"),
            stream.take_output(at_us, given.tool.name, given.output),
        ):
            run_steps(steps)
        answer = Answer(
            stream, Question("", at_us, at_us), max_tokens=ANSWER_TOKENS, tools=(given.tool,), remember=False
        )
        text = _write(answer).casefold()
        yield any(part.casefold() in text for part in given.tells)
        memory.forget([block.id for block in memory.recent()])
