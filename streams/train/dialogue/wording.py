"""How what is seen is put into words: "three apples", "a cat and a red ball", "A sign that says EXIT."."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from streams.train.pictures.vocabulary import NOUNS, nameable, plural, with_article
from streams.train.sample import Facts, Thing

NUMBERS = ("no", "one", "two", "three", "four", "five")
PLACE_PHRASES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "middle": "in the middle",
}
WAY_PHRASES = {"left": "to the left", "right": "to the right", "up": "up", "down": "down"}
_WIDE = frozenset({"food", "animal", "vehicle"})
_READING_ORDER = ("left", "top", "middle", "right", "bottom", "")


def phrase(thing: Thing, *, coloured: bool = True) -> str:
    """``thing`` as one would name it: "a red apple", "three apples", "bread"."""
    colour = f"{thing.colour} " if coloured and thing.colour else ""
    if thing.count > 1:
        return f"{NUMBERS[thing.count]} {colour}{plural(thing.name)}"
    return colour + thing.name if NOUNS[thing.name].mass else with_article(colour + thing.name)


def any_of(name: str) -> str:
    """One of a kind, asked for: "an apple", "bread"."""
    return name if name in NOUNS and NOUNS[name].mass else with_article(name)


def narrow_class(name: str) -> str | None:
    """The class that counts as naming a thing, unless it has only one so wide that it says little."""
    return next((group for group in nameable(NOUNS[name]) if group not in _WIDE), None)


def describe(facts: Facts) -> tuple[str, tuple[str, ...]]:
    """All that a picture shows as one sentence, and other wordings that are as right."""
    things = sorted(facts.things, key=lambda thing: _READING_ORDER.index(thing.place))
    parts = [[phrase(thing), phrase(thing, coloured=False)] for thing in things]
    if facts.text:
        parts.append([f"a sign that says {facts.text}"] * 2)
    accepted = dict.fromkeys(
        _joined([part[form] for part in order]) for form in (0, 1) for order in permutations(parts)
    )
    if facts.text and not things:
        accepted[facts.text] = None
    if len(things) == 1 and not facts.text:
        thing = things[0]
        accepted |= dict.fromkeys((thing.name, plural(thing.name) if thing.count > 1 else thing.name))
        if (group := narrow_class(thing.name)) is not None:
            accepted[group] = None
    return sentence(next(iter(accepted))), tuple(accepted)


def sentence(text: str) -> str:
    """``text`` with a capital and a full stop."""
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
