"""How what is seen is put into words: "three apples", "a cat and a red ball", "A sign that says EXIT."."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from streams.train.pictures.vocabulary import NOUNS, is_mass, nameable, plural, with_article
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
    """``thing`` as one would name it: "a red apple", "three apples", "apples", "bread"."""
    colour = f"{thing.colour} " if coloured and thing.colour else ""
    if thing.count > 1:
        return f"{NUMBERS[thing.count]} {colour}{plural(thing.name)}"
    if thing.count == 0:
        return colour + plural(thing.name)
    return colour + thing.name if is_mass(thing.name) else with_article(colour + thing.name)


def any_of(name: str) -> str:
    """One of a kind or of a class, asked for: "an apple", "bread", "food"."""
    return name if is_mass(name) or name == "food" else with_article(name)


def wordings(thing: Thing, group: str | None = None) -> tuple[str, ...]:
    """All that is right to say of ``thing`` alone. It may be called by its class, unless that is ``group``,
    or so wide that it says little, or it has other names."""
    said = dict.fromkeys((phrase(thing), phrase(thing, coloured=False), thing.name))
    if thing.count > 1:
        said[plural(thing.name)] = None
    for name in thing.names:
        said |= dict.fromkeys((any_of(name), name, plural(name)))
    if not thing.names and thing.name in NOUNS:
        narrow = next((name for name in nameable(NOUNS[thing.name]) if name not in _WIDE), None)
        if narrow is not None and narrow != group:
            said[narrow] = None
    return tuple(said)


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
        accepted |= dict.fromkeys(wordings(things[0]))
    return sentence(next(iter(accepted))), tuple(accepted)


def sentence(text: str) -> str:
    """``text`` with a capital and a full stop."""
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
