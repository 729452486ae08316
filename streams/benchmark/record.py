"""JSON files of benchmarks: found, read, and checked entry by entry; videos that they name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from streams.errors import ConfigError, InvalidRequestError
from streams.question import parse_time
from streams.types import US_PER_S

LONGEST_S = 366 * 24 * 3_600
"""No film lasts longer: what is given as a later time was never one."""
VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov")

Kind = TypeVar("Kind")


class Record(BaseModel):
    """An entry of a file; fields that nobody here uses may stand in it too."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def _clock_us(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_time(value)
        except InvalidRequestError as error:
            raise ValueError(error.message) from None
    raise ValueError("a time like 00:01:30 is wanted")


def _seconds_us(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value <= LONGEST_S:  # nor is it where there is no number (NaN)
            raise ValueError(f"a time between 0 and {LONGEST_S} seconds is wanted")
        return round(value * US_PER_S)
    raise ValueError("a time in seconds is wanted")


ClockUs = Annotated[int, BeforeValidator(_clock_us)]
"""``HH:MM:SS`` as microseconds."""
SecondsUs = Annotated[int, BeforeValidator(_seconds_us)]
"""Seconds as microseconds."""
Text = Annotated[str, Field(min_length=1)]


def find_files(folder: Path, patterns: Sequence[str], benchmark: str) -> list[Path]:
    """The benchmark's files anywhere under ``folder``, sorted. Raises ConfigError when there is none."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder", param="DIR")
    found = sorted({path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()})
    if not found:
        raise ConfigError(
            f"{folder} holds no file of {benchmark} ({', '.join(patterns)})", param="DIR", code="not_found"
        )
    return found


def key(folder: Path, path: Path) -> str:
    """What ``path`` is told by: unlike its name, the way to it from ``folder`` is another for each file."""
    return Path(os.path.relpath(path, folder)).as_posix()


def make_folder(folder: Path) -> None:
    """For what is written. Raises ConfigError when it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}", param="--out") from None


def load(file: Path) -> Any:
    """Raises ConfigError when ``file`` cannot be read or is not JSON."""
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", param=str(file)) from None
    except ValueError as error:
        raise ConfigError(f"{file} is not JSON: {error}", param=str(file)) from None


def check(file: Path, document: Any, kind: type[Kind]) -> Kind:
    """``document`` as ``kind``. Raises ConfigError naming file, entry and field that are wrong."""
    adapter: TypeAdapter[Kind] = TypeAdapter(kind)
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise wrong(file, where(first["loc"]), first["msg"]) from None


def wrong(file: Path, place: str, problem: str) -> ConfigError:
    """``place`` is the entry and field, as ``where`` writes it."""
    return ConfigError(f"{file}{place and ': '}{place}: {problem}", param=f"{file}:{place}")


def where(location: Sequence[int | str]) -> str:
    """``[3].questions[0].answer``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).lstrip(".")


class Videos:
    """Finds the videos that files name, wherever under ``folder`` they were put."""

    def __init__(self, folder: Path, *, available: bool = False) -> None:
        """``available``: entries of videos that are not there are left out, and counted."""
        self.missing: set[str] = set()
        self._available = available
        self._folder = folder
        self._named: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in VIDEOS:
                self._named.setdefault(path.name, []).append(path)

    def find(self, named: str, file: Path, place: str) -> Path | None:
        """By the path as given, from the folder of ``file`` or from ours; else by the longest end that fits.

        What a file names lies under our folder, links in that aside. None for one to be left out. Raises
        ConfigError, naming file and place, when there is none, or more than one.
        """
        top = os.path.abspath(self._folder)
        for base in (file.parent, self._folder):
            path = Path(os.path.normpath(base / named))
            if Path(os.path.abspath(path)).is_relative_to(top) and path.is_file():
                return path
        # Files name paths of the machine they were made on.
        parts = PureWindowsPath(named).parts
        candidates = self._named.get(parts[-1] if parts else "", [])
        best = max((_common(path.parts, parts) for path in candidates), default=0)
        candidates = [path for path in candidates if _common(path.parts, parts) == best]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise wrong(file, place, f"'{named}' may be {candidates[0]} or {candidates[1]}")
        if self._available:
            self.missing.add(named)
            return None
        raise wrong(file, place, f"there is no video '{named}' under {self._folder}")


def _common(path: Sequence[str], named: Sequence[str]) -> int:
    """How many parts at the end are the same."""
    count = 0
    for one, other in zip(reversed(path), reversed(named), strict=False):
        if one != other:
            break
        count += 1
    return count
