"""What the connector should say of a picture: facts as numbers of words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from llm.connector import THINGS
from llm.connector_config import EMPTY, ConnectorConfig
from streams.train.sample import Facts
from video.imagenet import KINDS, imagenet_names

UNKNOWN = -100
"""A label that no loss is taken of."""
COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def describe_words(facts: Sequence[Facts], *, encoder: str, shape: tuple[int, int], hidden: int,
                   width: int, layers: int, rank: int) -> ConnectorConfig:  # fmt: skip
    """The configuration with all words that ``facts`` use; ``shape`` is (1 + places, channels)."""
    things = [thing for each in facts for thing in each.things]
    most = max((thing.count for thing in things), default=1)
    return ConnectorConfig(
        encoder=encoder,
        places=shape[0] - 1,
        channels=shape[1],
        hidden=hidden,
        classes=tuple(imagenet_names()),
        names=_words(thing.name for thing in things),
        colours=_words(thing.colour or "" for thing in things),
        where=_words(thing.place for thing in things),
        counts=(EMPTY, *COUNTS[:most]),
        texts=_words(each.text for each in facts),
        width=width,
        layers=layers,
        rank=rank,
        kinds={kind.name: tuple(sorted(kind.classes)) for kind in KINDS},
    )


def _words(found: object) -> tuple[str, ...]:
    return (EMPTY, *sorted(set(found) - {"", EMPTY}))  # type: ignore[call-overload]


def labels(facts: Sequence[Facts], config: ConnectorConfig) -> dict[str, Tensor]:
    """Numbers of words by kind, each [pictures, slots]; ``UNKNOWN`` where nothing is known or told.

    A thing that moves has no place in the facts, of own data more may be untold, and words that the
    connector lacks have no number.
    """
    words = {kind: config.words(kind) for kind in _KINDS} | {"name": config.names}
    index = {kind: {word: n for n, word in enumerate(words[kind])} for kind in _KINDS}
    rows: dict[str, list[list[int]]] = {kind: [] for kind in _KINDS}
    for each in facts:
        things = each.things[:THINGS]
        missing = THINGS - len(things)
        named = [index["name"].get(thing.name, UNKNOWN) for thing in things]
        rows["name"].append(named + [0] * missing)
        rows["colour"].append(
            [
                UNKNOWN if "colour" in t.untold else index["colour"].get(t.colour or EMPTY, UNKNOWN)
                for t in things
            ]
            + [0] * missing
        )
        rows["place"].append(
            [index["place"].get(t.place, UNKNOWN) if t.place else UNKNOWN for t in things] + [0] * missing
        )
        counted = 0 if not things else UNKNOWN if "count" in things[0].untold else things[0].count
        rows["count"].append([counted])
        rows["text"].append([index["text"].get(each.text or EMPTY, UNKNOWN)])
    return {kind: torch.tensor(values) for kind, values in rows.items()}


_KINDS = ("name", "colour", "place", "count", "text")
