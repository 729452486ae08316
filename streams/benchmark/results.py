"""What was answered so far: a line of JSON for each film, so that a run goes on where it was stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from streams.benchmark.case import Case, Film, Outcome
from streams.benchmark.record import Record, Text, where
from streams.errors import ConfigError
from streams.types import US_PER_S


class _Answered(Record):
    """An outcome as it is kept. Likelihoods are logarithms, which of what cannot be are infinite."""

    model_config = ConfigDict(allow_inf_nan=True)

    id: str
    answer: str
    chosen: int | None
    likelihoods: tuple[float, ...]
    seen_s: float | None
    spoke_s: float | None
    first_token_ms: float | None


class _Line(Record):
    """A film that is done, and what is known of how it was streamed beside that."""

    model_config = ConfigDict(extra="allow")

    film: Text
    outcomes: tuple[_Answered, ...]


class Results:
    """The file ``path``: first what it is of, then a line a film. Use by one process at a time."""

    def __init__(self, path: Path, of: Mapping[str, Any]) -> None:
        """``of``: benchmark and settings; results of others are not gone on with.

        Raises ConfigError for a file of something else, or one that cannot be read or written.
        """
        self._path = path
        self._lines: dict[str, dict[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            # A line without its end was being written when the run was killed; others stay as they are.
            kept = content[: content.rfind(b"\n") + 1]
            if kept != content:
                os.truncate(path, len(kept))
            if not kept:
                path.write_text(json.dumps(of, ensure_ascii=False) + "\n", "utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}", param="--out") from None
        # Not where ``splitlines`` has lines end: JSON leaves U+2028, which an answer may hold, as it is.
        for number, line in enumerate(kept.split(b"\n")[:-1], 1):
            self._take(number, line, of)

    def _take(self, number: int, line: bytes, of: Mapping[str, Any]) -> None:
        at = f"{self._path}:{number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{at} is not JSON: {error}", param="--out") from None
        if not isinstance(record, dict):
            raise ConfigError(f"{at} is no JSON object", param="--out")
        if number > 1:
            self._lines[_checked(at, record).film] = record
            return
        differing = [key for key in {*of, *record} if of.get(key) != record.get(key)]
        if differing:
            key = min(differing)
            was, now = record.get(key), of.get(key)
            raise ConfigError(
                f"{self._path} holds results of other settings ({key}: {was}, now {now}); choose another",
                param="--out",
            )

    def __contains__(self, film: Film) -> bool:
        return film.name in self._lines

    def append(self, film: Film, outcomes: Sequence[Outcome], seen: Mapping[str, Any]) -> None:
        """``seen`` is what else is known of how the film was streamed."""
        record = {"film": film.name, **seen, "outcomes": [_to_json(outcome) for outcome in outcomes]}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._lines[film.name] = record

    def outcomes(self, films: Sequence[Film]) -> list[Outcome]:
        """Of all films that are done, in their order."""
        found: list[Outcome] = []
        for film in films:
            cases = {case.id: case for case in film.cases}
            answered = self._lines.get(film.name, {}).get("outcomes", ())
            found += [_from_json(each, cases[each["id"]]) for each in answered if each["id"] in cases]
        return found

    def total(self, key: str, films: Sequence[Film]) -> float:
        """The sum of a number in ``seen`` over those of ``films`` that are done."""
        return sum(float(self._lines.get(film.name, {}).get(key, 0)) for film in films)


def _checked(at: str, record: Mapping[str, Any]) -> _Line:
    """Raises ConfigError naming the line, as ``at`` has it, and the field that is wrong."""
    try:
        return _Line.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{at}: {where(first['loc'])}: {first['msg']}", param="--out") from None


def _to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.case.id,
        "answer": outcome.answer,
        "chosen": outcome.chosen,
        "likelihoods": [round(each, 4) for each in outcome.likelihoods],
        "seen_s": _seconds(outcome.seen_us),
        "spoke_s": _seconds(outcome.spoke_us),
        "first_token_ms": outcome.first_token_ms,
    }


def _from_json(record: Mapping[str, Any], case: Case) -> Outcome:
    return Outcome(
        case,
        record["answer"],
        _us(record["seen_s"]),
        record["chosen"],
        tuple(record["likelihoods"]),
        _us(record["spoke_s"]),
        record["first_token_ms"],
    )


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / US_PER_S


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * US_PER_S)
