"""RVS-Ego and RVS-Movie (Flash-VStream, Zhang et al. 2024) and QAEgo4D-MC, in ReKV's form."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from streams.benchmark.case import LETTERS, Case, Film, Outcome, by_time
from streams.benchmark.record import (
    LONGEST_S,
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
from streams.errors import ConfigError
from streams.text_score import exact, f1, token_recall


class Conversation(Record):
    """A question about start_time to end_time, asked at the end; with ``choices`` where there are some."""

    question: Text
    answer: Text
    start_time: SecondsUs | None = None
    end_time: SecondsUs | None = None
    choices: tuple[str, ...] | None = None
    temporal_windows: tuple[tuple[SecondsUs, SecondsUs], ...] | None = None


class Entry(Record):
    """One video; ``duration`` in seconds is when questions without a time are asked."""

    video_id: Text
    video_path: Text
    duration: float | None = Field(default=None, le=LONGEST_S)
    conversations: tuple[Conversation, ...]


class Rekv:
    """One of the three sets: the same form, under other file names."""

    def __init__(self, name: str, files: tuple[str, ...], *, choices: bool) -> None:
        self.name = name
        self._files = files
        self._choices = choices

    def read(self, folder: Path, videos: Videos) -> list[Film]:
        films: dict[Path, Film] = {}
        for file in find_files(folder, self._files, self.name):
            for number, entry in enumerate(check(file, load(file), list[Entry])):
                path = videos.find(entry.video_path, file, where((number, "video_path")))
                if path is None:
                    continue
                asked = [
                    ((number, "conversations", place), talk) for place, talk in enumerate(entry.conversations)
                ]
                cases = [self._case(_id(folder, file, at), file, at, entry, talk) for at, talk in asked]
                before = films[path].cases if path in films else ()
                films[path] = Film(key(folder, path), path, by_time([*before, *cases]))
        return list(films.values())

    def _case(
        self, id_: str, file: Path, at: tuple[int | str, ...], entry: Entry, talk: Conversation
    ) -> Case:
        end_us = talk.end_time
        if end_us is None:
            if entry.duration is None or entry.duration <= 0:
                raise wrong(file, where((*at, "end_time")), "is missing, and so is the duration of the video")
            end_us = round(entry.duration * 1e6)
        evidence = talk.temporal_windows or ()
        if not evidence and talk.start_time is not None:
            evidence = ((talk.start_time, end_us),)
        if not self._choices:
            return Case(id_, "open", self.name, end_us, talk.question, talk.answer, evidence=evidence)
        if not talk.choices:
            raise wrong(file, where((*at, "choices")), "is missing")
        if talk.answer not in talk.choices:
            raise wrong(file, where((*at, "answer")), f"'{talk.answer}' is none of the choices")
        right = talk.choices.index(talk.answer)
        task = "choice"
        return Case(id_, task, self.name, end_us, talk.question, talk.answer, talk.choices, right, evidence)

    def write(self, folder: Path, outcomes: Mapping[str, Outcome], out: Path) -> list[Path]:
        """A table as ReKV's scripts write it: a row for each question with what was predicted."""
        path = out / f"{self.name}.csv"
        rows = [
            _row(entry["video_id"], outcome)
            for file in find_files(folder, self._files, self.name)
            for number, entry in enumerate(load(file))
            for place in range(len(entry["conversations"]))
            if (outcome := outcomes.get(_id(folder, file, (number, "conversations", place)))) is not None
        ]
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]) if rows else ["video_id"])
                writer.writeheader()
                writer.writerows(rows)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}", param="--out") from None
        return [path]


def _id(folder: Path, file: Path, at: tuple[int | str, ...]) -> str:
    return f"{key(folder, file)}:{where(at)}"


def _row(video: str, outcome: Outcome) -> dict[str, object]:
    case = outcome.case
    row: dict[str, object] = {"video_id": video, "question": case.question, "answer": case.answer}
    if case.right is None or outcome.chosen is None:
        scores = {"f1": f1(outcome.answer, case.answer), "recall": token_recall(outcome.answer, case.answer)}
        return row | {"pred_answer": outcome.answer, **scores, "exact": exact(outcome.answer, case.answer)}
    return row | {
        "choices": list(case.choices),
        "correct_choice": LETTERS[case.right],
        "pred_answer": outcome.answer,
        "pred_choice": LETTERS[outcome.chosen],
        "qa_acc": 100.0 * (outcome.chosen == case.right),
    }
