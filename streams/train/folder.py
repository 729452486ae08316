"""A user's own data: pictures with what they show, and dialogues over them (docs/training.md).

``pictures.jsonl`` has an object a line: ``file`` (a picture, relative to the folder), ``split`` (train or
validation), ``things`` (each with ``name``, and if known ``colour``, ``place``, ``count``), ``text``.
``dialogues.jsonl`` has ``split``, ``frames`` (``[seconds, file]`` each) and ``turns``: ``at`` in seconds,
``topic``, ``text``, ``replies`` (``[seconds, text]`` each) and, if need be, ``evidence`` (``[from, to]``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import PIL.Image
from pydantic import Field, ValidationError

from streams.config import Section
from streams.errors import ConfigError
from streams.train.sample import Dialogue, Facts, Reply, Seen, Split, Thing, Topic, Turn
from streams.types import US_PER_S, Image

Line = TypeVar("Line", bound=Section)


class _Thing(Section):
    name: str = Field(min_length=1)
    parent: str = ""
    colour: str | None = None
    place: str = ""
    count: int = Field(default=1, ge=1)


class _Picture(Section):
    file: str
    split: Literal["train", "validation"]
    things: tuple[_Thing, ...] = ()
    text: str = ""


class _Turn(Section):
    at: float = Field(ge=0)
    topic: Topic
    text: str = Field(min_length=1)
    replies: tuple[tuple[float, str], ...] = ()
    evidence: tuple[tuple[float, float], ...] = ()


class _Dialogue(Section):
    split: Literal["train", "validation"]
    frames: tuple[tuple[float, str], ...] = Field(min_length=1)
    turns: tuple[_Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderPictures:
    """``Pictures`` of one split, read from their files when asked for."""

    folder: Path
    files: tuple[str, ...]
    facts: tuple[Facts, ...]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def fingerprint(self) -> str:
        """The files by name, size and when they were last written. Raises ConfigError for a missing one."""
        return repr([(name, *self._written(name)) for name in self.files])

    def _written(self, name: str) -> tuple[int, int]:
        file = self.folder / name
        try:
            found = file.stat()
        except OSError as error:
            raise ConfigError(f"cannot read {file}: {error.strerror}", param="data.folder") from None
        return found.st_size, found.st_mtime_ns

    def draw(self, number: int) -> Image:
        """Uint8 RGB [height, width, 3]. Raises ConfigError for a file that is no picture."""
        file = self.folder / self.files[number]
        try:
            with PIL.Image.open(file) as picture:
                return np.asarray(picture.convert("RGB"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file} is no picture: {error}", param="data.folder") from None


def read_pictures(folder: Path, split: Split) -> FolderPictures:
    """Raises ConfigError that names the file and line."""
    found = [picture for picture in _lines(folder / "pictures.jsonl", _Picture) if picture.split == split]
    if not found:
        raise ConfigError(f"{folder / 'pictures.jsonl'} has no pictures of {split}", param="data.folder")
    facts = tuple(
        Facts(tuple(Thing(**dict(thing)) for thing in picture.things), picture.text) for picture in found
    )
    return FolderPictures(folder, tuple(picture.file for picture in found), facts)


def read_dialogues(folder: Path, split: Split, pictures: FolderPictures) -> tuple[Dialogue, ...]:
    """Raises ConfigError that names the file and line, or a picture that is not in ``pictures``."""
    numbers = {file: number for number, file in enumerate(pictures.files)}
    file = folder / "dialogues.jsonl"
    return tuple(
        _dialogue(dialogue, numbers, pictures.facts, file)
        for dialogue in _lines(file, _Dialogue)
        if dialogue.split == split
    )


def _dialogue(given: _Dialogue, numbers: dict[str, int], facts: Sequence[Facts], file: Path) -> Dialogue:
    frames: list[Seen] = []
    for at_s, name in sorted(given.frames):
        if name not in numbers:
            raise ConfigError(f"{file}: '{name}' is no picture of {given.split}", param="data.folder")
        frames.append(Seen(_us(at_s), numbers[name], facts[numbers[name]]))
    turns: list[Turn] = []
    for turn in sorted(given.turns, key=lambda turn: turn.at):
        due = 0 if turn.topic == "overheard" else 1
        if turn.topic not in ("alert", "narration") and len(turn.replies) != due:
            wrong = f"has {len(turn.replies)} replies, and '{turn.topic}' has {due or 'none'}"
            raise ConfigError(f"{file}: '{turn.text}' {wrong}", param="data.folder")
        replies = tuple(Reply(_us(at_s), text) for at_s, text in sorted(turn.replies))
        evidence = tuple((_us(start), _us(end)) for start, end in turn.evidence)
        turns.append(Turn(_us(turn.at), turn.topic, turn.text, replies, evidence))
    last_us = max([frames[-1].pts_us, *(turn.at_us for turn in turns)])
    return Dialogue(tuple(frames), tuple(turns), last_us + US_PER_S)


def _us(seconds: float) -> int:
    return round(seconds * US_PER_S)


def _lines(file: Path, kind: type[Line]) -> Iterator[Line]:
    try:
        # Not where ``splitlines`` has lines end: JSON leaves U+2028, which a text may hold, as it is.
        lines = file.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}", param="data.folder") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join(str(part) for part in first["loc"])
                raise ConfigError(
                    f"{file}, line {number}: {key}: {first['msg']}", param="data.folder"
                ) from None
