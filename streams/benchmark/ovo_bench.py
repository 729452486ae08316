"""OVO-Bench (Li et al., CVPR 2025): backward tracing, real-time perception, forward active responding."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from streams.benchmark.case import LETTERS, Case, Film, Outcome, by_time
from streams.benchmark.record import (
    Record,
    SecondsUs,
    Text,
    Videos,
    check,
    find_files,
    key,
    load,
    where,
    wrong,
)
from streams.document import write_document

FILES = ("ovo_bench*.json", "ovbench*.json")
BACKWARD = ("EPM", "ASI", "HLD")
REAL_TIME = ("STU", "OJR", "ATR", "ACR", "OCR", "FPD")
FORWARD = ("REC", "SSR", "CRR")
GROUPS = {
    **dict.fromkeys(BACKWARD, "backward"),
    **dict.fromkeys(REAL_TIME, "realtime"),
    **dict.fromkeys(FORWARD, "forward"),
}
BY_TYPE = ("No", "Yes")
"""What is right, by the ``type`` of a test of a forward task."""


class Test(Record):
    """One of the times at which a forward task is tested: ``count`` for REC, ``type`` for the others."""

    realtime: SecondsUs
    type: int | None = Field(default=None, ge=0, le=1)
    count: int | None = Field(default=None, ge=0)
    step: str | None = None


class Entry(Record):
    """A question with options at ``realtime``, or a forward task with several tests."""

    id: int
    task: Text
    video: Text
    realtime: SecondsUs | None = None
    question: str | None = None
    options: tuple[str, ...] | None = None
    gt: int | None = None
    activity: str | None = None
    ask_time: SecondsUs | None = None
    clue_time: SecondsUs | None = None
    test_info: tuple[Test, ...] | None = None


class OvoBench:
    """The prompts of the forward tasks say what the benchmark's own say, in fewer words."""

    name = "ovo-bench"

    def read(self, folder: Path, videos: Videos) -> list[Film]:
        cases: dict[Path, list[Case]] = {}
        for file in find_files(folder, FILES, self.name):
            for number, entry in enumerate(check(file, load(file), list[Entry])):
                # Also where its video is left out: predictions are written of the whole file.
                asked = _cases(folder, file, number, entry)
                path = videos.find(entry.video, file, where((number, "video")))
                if path is not None:
                    cases.setdefault(path, []).extend(asked)
        return [Film(key(folder, path), path, by_time(each)) for path, each in cases.items()]

    def write(self, folder: Path, outcomes: Mapping[str, Outcome], out: Path) -> list[Path]:
        """One file: lists of backward, realtime and forward answers, as its scoring script reads them."""
        results: dict[str, list[Any]] = {"backward": [], "realtime": [], "forward": []}
        for file in find_files(folder, FILES, self.name):
            for number, entry in enumerate(load(file)):
                group = GROUPS[entry["task"]]
                if group == "forward":
                    tests = list(enumerate(entry["test_info"]))
                    found = [outcomes.get(_id(folder, file, number, place)) for place, _ in tests]
                    for (_, test), outcome in zip(tests, found, strict=True):
                        test["response"] = None if outcome is None else _response(outcome)
                    if any(outcome is not None for outcome in found):
                        results[group].append(entry)
                elif (outcome := outcomes.get(_id(folder, file, number))) is not None:
                    kept = {field: entry[field] for field in ("id", "video", "task", "question")}
                    kept["response"] = _response(outcome)
                    kept["ground_truth"] = LETTERS[entry["gt"]]
                    results[group].append(kept)
        path = out / "streams_ovo_bench.json"
        write_document(results, str(path), "--out")
        return [path]


def _id(folder: Path, file: Path, number: int, test: int | None = None) -> str:
    return f"{key(folder, file)}:[{number}]" + ("" if test is None else f".test_info[{test}]")


def _response(outcome: Outcome) -> str:
    if outcome.chosen is None:
        return outcome.answer
    forward = outcome.case.task in FORWARD
    return outcome.case.choices[outcome.chosen] if forward else LETTERS[outcome.chosen]


def _cases(folder: Path, file: Path, number: int, entry: Entry) -> list[Case]:
    if entry.task not in GROUPS:
        raise wrong(file, where((number, "task")), f"'{entry.task}' is none of {', '.join(GROUPS)}")
    if entry.task in FORWARD:
        return _forward(folder, file, number, entry)
    for field in ("realtime", "question", "options", "gt"):
        if getattr(entry, field) in (None, "", ()):
            raise wrong(file, where((number, field)), "is missing")
    assert entry.realtime is not None
    assert entry.question is not None
    assert entry.options is not None
    assert entry.gt is not None
    if not 0 <= entry.gt < len(entry.options):
        raise wrong(file, where((number, "gt")), f"{entry.gt} is the place of none of the options")
    right, group = entry.options[entry.gt], GROUPS[entry.task]
    ids = _id(folder, file, number)
    return [Case(ids, entry.task, group, entry.realtime, entry.question, right, entry.options, entry.gt)]


def _forward(folder: Path, file: Path, number: int, entry: Entry) -> list[Case]:
    if not entry.test_info:
        raise wrong(file, where((number, "test_info")), "is missing")
    cases = []
    for place, test in enumerate(entry.test_info):
        at = (number, "test_info", place)
        field = "count" if entry.task == "REC" else "type"
        given = getattr(test, field)
        if given is None:
            raise wrong(file, where((*at, field)), "is missing")
        question, ids = _asks(file, at, entry, test), _id(folder, file, number, place)
        if entry.task == "REC":
            cases.append(Case(ids, "REC", "forward", test.realtime, question, str(given)))
        else:
            clue = entry.clue_time
            evidence = ((clue, clue),) if clue is not None and clue <= test.realtime else ()
            cases.append(
                Case(
                    ids,
                    entry.task,
                    "forward",
                    test.realtime,
                    question,
                    BY_TYPE[given],
                    BY_TYPE,
                    given,
                    evidence,
                )
            )
    return cases


def _asks(file: Path, at: tuple[int | str, ...], entry: Entry, test: Test) -> str:
    match entry.task:
        case "REC":
            if not entry.activity:
                raise wrong(file, where((at[0], "activity")), "is missing")
            return f"How many times did they {entry.activity} so far? Answer with a single number."
        case "SSR":
            if not test.step:
                raise wrong(file, where((*at, "step")), "is missing")
            return f"Is the person in the video doing this step right now: {test.step}? Answer yes or no."
        case _:
            if not entry.question:
                raise wrong(file, where((at[0], "question")), "is missing")
            return f"Is what was seen so far enough to answer: {entry.question} Answer yes or no."
