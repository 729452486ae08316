"""What every benchmark becomes: films, and questions with the times at which they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streams.benchmark.record import Videos

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Case:
    """One question, asked at ``at_us`` of its film.

    ``id`` says where it stands in the benchmark's files and is unique. ``answer`` is the right one in words;
    with ``choices`` it is the one of them at ``right``. ``evidence`` are the spans (start, end) that hold it,
    where the benchmark tells. With ``due_us`` it is a standing request, and ``answer`` is to be said then.
    """

    id: str
    task: str
    group: str
    at_us: int
    question: str
    answer: str
    choices: tuple[str, ...] = ()
    right: int | None = None
    evidence: tuple[tuple[int, int], ...] = ()
    due_us: int | None = None

    def __post_init__(self) -> None:
        assert (self.right is None) == (not self.choices), "choices, and which of them is right"


@dataclass(frozen=True, slots=True)
class Film:
    """A video, streamed once, and what is asked about it in the order of time.

    No other film has its ``name``. ``sequential``: later questions lean on earlier ones and on the answers to
    them, which are remembered.
    """

    name: str
    path: Path
    cases: tuple[Case, ...]
    sequential: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question came to.

    ``seen_us`` is the time of the newest frame that had been read when it was asked, None for none.
    ``chosen`` is the likeliest choice, ``likelihoods`` what they came to by token; ``answer`` is what was
    written, or said at ``spoke_us`` of a standing request.
    """

    case: Case
    answer: str
    seen_us: int | None = None
    chosen: int | None = None
    likelihoods: tuple[float, ...] = ()
    spoke_us: int | None = None
    first_token_ms: float | None = None


class Format(Protocol):
    """The files of one benchmark."""

    name: str

    def read(self, folder: Path, videos: Videos) -> list[Film]:
        """All films of ``folder`` with questions, in the order of the files.

        Raises ConfigError naming file, entry and field for what cannot be read.
        """
        ...

    def write(self, folder: Path, outcomes: Mapping[str, Outcome], out: Path) -> list[Path]:
        """Predictions in the benchmark's own form into ``out``, by case id; the files written.

        Questions without an outcome have none there either.
        """
        ...


def by_time(cases: Sequence[Case]) -> tuple[Case, ...]:
    return tuple(sorted(cases, key=lambda case: case.at_us))
