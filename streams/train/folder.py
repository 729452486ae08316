"""A user's own data: pictures with what they show, and dialogues over them (docs/training.md).

``pictures.jsonl`` has an object a line: ``file`` (a picture, relative to the folder), ``split`` (train or
validation), ``things`` (each with ``name``, and if known ``colour``, "" for none worth a name, ``place``,
``count``), ``text``.
``dialogues.jsonl`` has ``split``, ``frames`` (``[seconds, file]`` each) and ``turns``: ``at`` in seconds,
``topic``, ``text``, ``replies`` (``[seconds, text]`` each) and, if need be, ``evidence`` (``[from, to]``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import PIL.Image
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from streams.config import Section
from streams.errors import ConfigError
from streams.train.labels import COUNTS
from streams.train.sample import Dialogue, Facts, Reply, Seen, Split, Thing, Topic, Turn
from streams.types import US_PER_S, Image
from video.image import upright_rgb

Line = TypeVar("Line", bound=Section)


class _Thing(Section):
    name: str = Field(min_length=1)
    parent: str = ""
    colour: str | None = None
    place: str = ""
    count: int | None = Field(default=None, ge=1, le=len(COUNTS))

    def thing(self) -> Thing:
        untold: frozenset[Literal["colour", "count"]] = frozenset()
        if self.colour is None:
            untold |= {"colour"}
        if self.count is None:
            untold |= {"count"}
        return Thing(self.name, self.parent, self.colour, self.place, self.count or 1, untold=untold)


class _Picture(Section):
    file: str
    split: Literal["train", "validation"]
    things: tuple[_Thing, ...] = ()
    text: str = ""


class _Turn(Section):
    at: float = Field(ge=0)
    topic: Topic
    text: str = Field(min_length=1)
    replies: tuple[tuple[float, str], ...] = Field(default=(), validate_default=True)
    evidence: tuple[tuple[float, float], ...] = ()

    @field_validator("replies")
    @classmethod
    def _as_many_as_due(
        cls, replies: tuple[tuple[float, str], ...], info: ValidationInfo
    ) -> tuple[tuple[float, str], ...]:
        topic = info.data.get("topic")
        due = 0 if topic == "overheard" else 1
        if topic not in (None, "alert", "narration") and len(replies) != due:
            raise ValueError(f"'{topic}' has {due or 'none'}, and here are {len(replies)}")
        return replies


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
        """The files by name, size and when they were last written, and how they are looked at.

        Raises ConfigError for a missing one.
        """
        return repr(["upright, on white", *((name, *self._written(name)) for name in self.files)])

    def _written(self, name: str) -> tuple[int, int]:
        file = self.folder / name
        try:
            found = file.stat()
        except OSError as error:
            raise ConfigError(f"cannot read {file}: {error.strerror}", param="data.folder") from None
        return found.st_size, found.st_mtime_ns

    def draw(self, number: int) -> Image:
        """Uint8 RGB [height, width, 3], as the engine would see it. Raises ConfigError for no picture."""
        file = self.folder / self.files[number]
        try:
            with PIL.Image.open(file) as picture:
                return upright_rgb(picture)
        except Exception as error:  # Pillow's parsers raise nearly anything, DecompressionBombError too
            raise ConfigError(f"{file} is no picture: {error}", param="data.folder") from None


def read_pictures(folder: Path, split: Split) -> FolderPictures:
    """Raises ConfigError that names the file and line."""
    found = [picture for _, picture in _lines(folder / "pictures.jsonl", _Picture) if picture.split == split]
    if not found:
        raise ConfigError(f"{folder / 'pictures.jsonl'} has no pictures of {split}", param="data.folder")
    facts = tuple(Facts(tuple(thing.thing() for thing in picture.things), picture.text) for picture in found)
    return FolderPictures(folder, tuple(picture.file for picture in found), facts)


def read_dialogues(folder: Path, split: Split, pictures: FolderPictures) -> tuple[Dialogue, ...]:
    """Raises ConfigError that names the file and line, or a picture that is not in ``pictures``."""
    numbers = {file: number for number, file in enumerate(pictures.files)}
    file = folder / "dialogues.jsonl"
    return tuple(
        _dialogue(dialogue, numbers, pictures.facts, f"{file}, line {number}")
        for number, dialogue in _lines(file, _Dialogue)
        if dialogue.split == split
    )


def _dialogue(given: _Dialogue, numbers: dict[str, int], facts: Sequence[Facts], line: str) -> Dialogue:
    frames: list[Seen] = []
    for at_s, name in sorted(given.frames):
        if name not in numbers:
            raise ConfigError(f"{line}: frames: '{name}' is no picture of {given.split}", param="data.folder")
        frames.append(Seen(_us(at_s), numbers[name], facts[numbers[name]]))
    turns: list[Turn] = []
    for turn in sorted(given.turns, key=lambda turn: turn.at):
        replies = tuple(Reply(_us(at_s), text) for at_s, text in sorted(turn.replies))
        evidence = tuple((_us(start), _us(end)) for start, end in turn.evidence)
        turns.append(Turn(_us(turn.at), turn.topic, turn.text, replies, evidence))
    last_us = max([frames[-1].pts_us, *(turn.at_us for turn in turns)])
    return Dialogue(tuple(frames), tuple(turns), last_us + US_PER_S)


def _us(seconds: float) -> int:
    return round(seconds * US_PER_S)


def data_marks(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What tells own data from what they were before: of the pictures and their labels, and of the dialogues.

    Raises ConfigError.
    """
    pictures = [read_pictures(folder, split).fingerprint for split in ("train", "validation")]
    marks = {
        "data.folder/pictures": hashlib.sha256(repr(pictures).encode()).hexdigest()[:16],
        "data.folder/pictures.jsonl": _mark(folder / "pictures.jsonl"),
    }
    return marks, {"data.folder/dialogues.jsonl": _mark(folder / "dialogues.jsonl")}


def _mark(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", param="data.folder") from None


def _lines(file: Path, kind: type[Line]) -> Iterator[tuple[int, Line]]:
    """The lines that are not empty, with their numbers."""
    try:
        # Not where ``splitlines`` has lines end: JSON leaves U+2028, which a text may hold, as it is.
        lines = file.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}", param="data.folder") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, kind.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join(str(part) for part in first["loc"])
                raise ConfigError(
                    f"{file}, line {number}: {key}: {first['msg']}", param="data.folder"
                ) from None
