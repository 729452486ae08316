"""StreamingBench (Lin et al., 2024): real-time, omni-source, sequential and proactive questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from streams.benchmark.case import LETTERS, Case, Film, Outcome, by_time
from streams.benchmark.record import (
    ClockUs,
    Record,
    Text,
    Videos,
    check,
    find_files,
    key,
    load,
    make_folder,
    where,
    wrong,
)
from streams.document import write_document
from streams.types import US_PER_S

_LETTERED = re.compile(r"^([A-Z])[.)]\s*")
_LETTER = re.compile(r"^\(?([A-Z])(?:[).:]|\s*$)")

FILES = ("questions_*.json",)
MODEL = "streams"
"""Under which name predictions stand beside the questions, as the benchmark's own scripts write them."""


class Question(Record):
    """A question with four options, or a standing request with the time and words of its answer."""

    task_type: Text
    question: Text
    time_stamp: ClockUs
    answer: str | None = None
    options: tuple[str, ...] | None = None
    ground_truth_time_stamp: ClockUs | None = None
    ground_truth_output: str | None = None


class Entry(Record):
    """``time`` is the clip that the questions were cut to; they are asked at their own ``time_stamp``."""

    video_path: Text
    questions: tuple[Question, ...]


class StreamingBench:
    """Questions of several entries about one video are asked in one pass over it."""

    name = "streaming-bench"

    def read(self, folder: Path, videos: Videos) -> list[Film]:
        return [
            film for file in find_files(folder, FILES, self.name) for film in _films(folder, file, videos)
        ]

    def write(self, folder: Path, outcomes: Mapping[str, Outcome], out: Path) -> list[Path]:
        """Each file again with an answer beside each question: a letter, or the history of a request."""
        written = []
        for file in find_files(folder, FILES, self.name):
            document = load(file)
            for location, entry in _entries(document):
                for number, question in enumerate(entry["questions"]):
                    outcome = outcomes.get(_id(folder, file, location, number))
                    if outcome is not None:
                        question[MODEL] = _prediction(outcome)
            # Under a name that is never taken for one of the questions' files.
            path = out / file.relative_to(folder).with_name(f"{MODEL}_{file.name}")
            make_folder(path.parent)
            write_document(document, str(path), "--out")
            written.append(path)
        return written


def _films(folder: Path, file: Path, videos: Videos) -> list[Film]:
    document = load(file)
    sequential = _is_sequential(document)
    check(file, document, list[list[Entry]] if sequential else list[Entry])
    cases: dict[Path, list[Case]] = {}
    for location, raw in _entries(document):
        entry = Entry.model_validate(raw)
        path = videos.find(entry.video_path, file, where((*location, "video_path")))
        if path is None:
            continue
        cases.setdefault(path, []).extend(
            _case(file, (*location, "questions", number), question, _id(folder, file, location, number))
            for number, question in enumerate(entry.questions)
        )
    name = key(folder, file)
    return [
        Film(f"{name}:{key(folder, path)}", path, by_time(each), sequential) for path, each in cases.items()
    ]


def _is_sequential(document: Any) -> bool:
    return isinstance(document, list) and bool(document) and isinstance(document[0], list)


def _entries(document: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Entries with their places, of a list or of a list of lists."""
    for number, entry in enumerate(document):
        if isinstance(entry, list):
            yield from (((number, place), inner) for place, inner in enumerate(entry))
        else:
            yield (number,), entry


def _id(folder: Path, file: Path, location: tuple[int, ...], number: int) -> str:
    return f"{key(folder, file)}:{where((*location, 'questions', number))}"


def _case(file: Path, location: tuple[int | str, ...], question: Question, id_: str) -> Case:
    task, text, at_us = question.task_type, question.question, question.time_stamp
    group = file.stem.removeprefix("questions_")
    if question.ground_truth_time_stamp is not None:
        if not question.ground_truth_output:
            raise wrong(file, where((*location, "ground_truth_output")), "is missing")
        if question.ground_truth_time_stamp < at_us:
            raise wrong(
                file, where((*location, "ground_truth_time_stamp")), "lies before the request's time_stamp"
            )
        due_us, output = question.ground_truth_time_stamp, question.ground_truth_output
        return Case(id_, task, group, at_us, text, output, due_us=due_us)
    if not question.answer:
        raise wrong(file, where((*location, "answer")), "is missing")
    if not question.options:
        return Case(id_, task, group, at_us, text, question.answer)
    choices = tuple(_LETTERED.sub("", option) for option in question.options)
    match = _LETTER.match(question.answer.strip())
    right = LETTERS.index(match[1]) if match else len(choices)
    if right >= len(choices):
        problem = f"'{question.answer}' is none of {', '.join(LETTERS[: len(choices)])}"
        raise wrong(file, where((*location, "answer")), problem)
    return Case(id_, task, group, at_us, text, choices[right], choices, right)


def _prediction(outcome: Outcome) -> object:
    if outcome.case.due_us is not None:
        said = [] if outcome.spoke_us is None else [_said(outcome, outcome.spoke_us)]
        return {"answered": bool(said), "dialog_history": said}
    return outcome.answer if outcome.chosen is None else LETTERS[outcome.chosen]


def _said(outcome: Outcome, at_us: int) -> dict[str, object]:
    return {"role": "assistant", "content": outcome.answer, "time": at_us / US_PER_S}
