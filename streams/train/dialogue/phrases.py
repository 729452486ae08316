"""How things are asked, by kind of question and split; no wording is in two splits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from types import MappingProxyType

from streams.train.sample import Split

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SECTION = re.compile(r"\[(?:([\w-]+) ?)??(train|validation|test)?\]")


def expand(pattern: str) -> Iterator[str]:
    """All that ``pattern`` stands for: in "a [b|c]" one of b and c is said."""
    match = _CHOICE.search(pattern)
    if match is None:
        yield pattern
        return
    for said in match[1].split("|"):
        yield from expand(pattern[: match.start()] + said + pattern[match.end() :])


def sections(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, split (each "" where the section's title has none) and line of a file of this package."""
    kind, split = "", ""
    for line in files(__package__).joinpath(name).read_text("utf-8").splitlines():
        if match := _SECTION.fullmatch(line):
            kind, split = match[1] or "", match[2] or ""
        elif line and not line.startswith("#"):
            yield kind, split, line


def _phrases() -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for kind, split, line in sections("phrases.txt"):
        found.setdefault((kind, split), {}).update(dict.fromkeys(expand(line)))
    return {key: tuple(phrases) for key, phrases in found.items()}


def _chat() -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for _, split, line in sections("chat.txt"):
        question, _, answer = line.partition(" | ")
        found.setdefault(split, []).append((question, answer))
    return {split: tuple(pairs) for split, pairs in found.items()}


PHRASES: Mapping[tuple[str, Split], tuple[str, ...]] = MappingProxyType(_phrases())  # type: ignore[arg-type]
"""By kind of question and split, with {thing} and the like to be filled in."""

CHAT: Mapping[Split, tuple[tuple[str, str], ...]] = MappingProxyType(_chat())  # type: ignore[arg-type]
"""Questions that need no picture, with their answers."""
