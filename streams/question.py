"""Questions with times, as given on the command line or in a file."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.errors import InvalidRequestError
from streams.types import US_PER_S

_TIME = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class TimedQuestion:
    at_us: int
    text: str


def parse_time(text: str) -> int:
    """``MM:SS`` or ``H:MM:SS``, seconds with a fraction if need be, as microseconds."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise InvalidRequestError(f"'{text}' is not a time like 01:30", param="at")
    hours, minutes, seconds = match.groups()
    return round((int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)) * US_PER_S)


def parse_question(line: str) -> TimedQuestion:
    """``MM:SS question``. Raises InvalidRequestError."""
    time, _, text = line.strip().partition(" ")
    if not text.strip():
        raise InvalidRequestError(f"'{line}' is not a time and a question, like \"01:30 What is it?\"")
    return TimedQuestion(parse_time(time), text.strip())


def read_questions(file: Path) -> list[TimedQuestion]:
    """Questions of a file: JSON ``[{"at": …, "question": …}]`` or lines. Raises InvalidRequestError."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"cannot read {file}: {error}", param=str(file)) from None
    if file.suffix == ".json":
        return _from_json(text, file)
    lines = enumerate(text.splitlines(), 1)
    return [
        _from_line(line, f"{file}:{number}")
        for number, line in lines
        if line.strip() and not line.startswith("#")
    ]


def _from_line(line: str, where: str) -> TimedQuestion:
    try:
        return parse_question(line)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{where}: {error.message}", param=where) from None


def _from_json(text: str, file: Path) -> list[TimedQuestion]:
    try:
        records = json.loads(text)
    except ValueError as error:
        raise InvalidRequestError(f"{file}: {error}", param=str(file)) from None
    if not isinstance(records, list):
        raise InvalidRequestError(f"{file}: a list of questions is wanted", param=str(file))
    return [_from_record(record, f"{file}[{number}]") for number, record in enumerate(records)]


def _from_record(record: Any, where: str) -> TimedQuestion:
    match record:
        case {"at": bool()}:
            pass
        case {"at": int() | float() as at, "question": str(question)} if (
            0 <= at < math.inf and question.strip()
        ):
            return TimedQuestion(round(at * US_PER_S), question.strip())
        case {"at": str(at), "question": str(question)}:
            return _from_line(f"{at.strip()} {question}", where)
    raise InvalidRequestError(f'{where} is not {{"at": time, "question": text}}', param=where)
