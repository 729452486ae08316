"""Outcomes to figures: right by likelihood, right in writing, words in common, in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from streams.bench.report import Cell, Column, Report
from streams.benchmark.case import Outcome
from streams.text_score import choice_of, exact, f1, holds, token_recall, words
from streams.timeliness import LATE_US

_NUMBER = re.compile(r"\d+")

COLUMNS = (
    Column("group", "set"),
    Column("task", "task"),
    Column("questions", "questions", "d"),
    Column("likelihood", "likeliest", ".1%"),
    Column("written", "written", ".1%"),
    Column("f1", "F1", ".3f"),
    Column("recall", "recall", ".3f"),
    Column("in_time", "in time", ".1%"),
    Column("early", "early", ".1%"),
    Column("first_token_ms", "first token ms", ".0f"),
)


@dataclass(frozen=True, slots=True)
class Score:
    """None where a measure does not apply.

    ``likelihood``: the likeliest choice is the right one. ``written``: what was written names it; an open
    answer is the right one word for word, a number the same number; what was said of a standing request
    holds its words. ``f1`` and ``recall`` of open answers; ``in_time`` of standing requests: said
    from the time on at which it was due; ``early``: in as long before it, which StreamingBench takes for in
    time too.
    """

    written: bool
    likelihood: bool | None = None
    f1: float | None = None
    recall: float | None = None
    in_time: bool | None = None
    early: bool | None = None


def score(outcome: Outcome) -> Score:
    case, answer = outcome.case, outcome.answer
    if case.due_us is not None:
        late_us = None if outcome.spoke_us is None else outcome.spoke_us - case.due_us
        in_time = late_us is not None and 0 <= late_us <= LATE_US
        early = late_us is not None and -LATE_US <= late_us < 0
        return Score(holds(answer, [case.answer]), in_time=in_time, early=early)
    if case.right is not None:
        return Score(choice_of(answer, case.choices) == case.right, outcome.chosen == case.right)
    right = exact(answer, case.answer)
    if _NUMBER.fullmatch(case.answer):
        right = _NUMBER.findall(" ".join(words(answer))) == [case.answer]
    return Score(right, f1=f1(answer, case.answer), recall=token_recall(answer, case.answer))


def report(name: str, outcomes: Sequence[Outcome], notes: Iterable[str] = ()) -> Report:
    """A row for each task, for each set the mean of its tasks, and one over all questions."""
    groups = dict.fromkeys(outcome.case.group for outcome in outcomes)
    rows: list[dict[str, Cell]] = []
    for group in groups:
        inside = [outcome for outcome in outcomes if outcome.case.group == group]
        tasks = dict.fromkeys(outcome.case.task for outcome in inside)
        by_task = [_row(group, task, [each for each in inside if each.case.task == task]) for task in tasks]
        rows += by_task
        if len(by_task) > 1:
            rows.append(_mean_row(group, by_task))
    if len(rows) > 1:
        rows.append(_row("", "all questions", outcomes))
    return Report(name, COLUMNS, tuple(rows), (*NOTES, *notes))


NOTES = (
    "likeliest: the choice whose words (or letter) the model finds likeliest, by token, is right; written: "
    "the answer that it writes names the right choice, is the right words or number, or of a standing "
    "request holds its words",
    "F1 and recall of words as in SQuAD: lower case, without punctuation and articles. No judge, local or "
    "remote. In time: spoken within 2 s after it was due; early: within 2 s before, which "
    "StreamingBench's own measure counts too",
)


def _row(group: str, task: str, outcomes: Sequence[Outcome]) -> dict[str, Cell]:
    scores = [score(outcome) for outcome in outcomes]

    def over(value: Callable[[Score], float | None]) -> float | None:
        known = [number for each in scores if (number := value(each)) is not None]
        return mean(known) if known else None

    waits = [each.first_token_ms for each in outcomes if each.first_token_ms is not None]
    return {
        "group": group,
        "task": task,
        "questions": len(outcomes),
        "likelihood": over(lambda each: each.likelihood),
        "written": over(lambda each: each.written),
        "f1": over(lambda each: each.f1),
        "recall": over(lambda each: each.recall),
        "in_time": over(lambda each: each.in_time),
        "early": over(lambda each: each.early),
        "first_token_ms": mean(waits) if waits else None,
    }


def _mean_row(group: str, rows: Sequence[dict[str, Cell]]) -> dict[str, Cell]:
    """The mean of tasks, each as heavy as another."""
    means: dict[str, Cell] = {}
    for key in ("likelihood", "written", "f1", "recall", "in_time", "early", "first_token_ms"):
        known = [float(value) for row in rows if isinstance(value := row[key], int | float)]
        means[key] = mean(known) if known else None
    counts = [count for row in rows if isinstance(count := row["questions"], int)]
    return {"group": group, "task": "mean of tasks", "questions": sum(counts), **means}
