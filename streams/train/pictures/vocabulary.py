"""The plain nouns that pictures are made of, each with its classes, its icons and how it is spoken of.

The list (things.txt) is written by hand: things that several drawing styles draw plainly, and no two of them
that could well be taken for each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

COLOURS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "red": (214, 32, 38),
        "blue": (36, 84, 208),
        "green": (38, 146, 60),
        "yellow": (246, 206, 24),
        "orange": (242, 126, 20),
        "purple": (126, 46, 164),
        "black": (20, 20, 22),
        "white": (248, 248, 246),
        "pink": (246, 124, 178),
        "brown": (120, 72, 34),
    }
)
"""Colours by name as RGB; a picture's are varied a little around these."""

_CLASS_ABOVE: Mapping[str, str] = MappingProxyType(
    {
        "fruit": "food",
        "vegetable": "food",
        "dish": "food",
        "sweet": "food",
        "bird": "animal",
        "insect": "animal",
        "fish": "animal",
        "sea animal": "animal",
        "mammal": "animal",
        "reptile": "animal",
        "amphibian": "animal",
        "other animal": "animal",
        "imaginary animal": "animal",
        "car": "vehicle",
        "road vehicle": "vehicle",
        "rail vehicle": "vehicle",
        "aircraft": "vehicle",
        "boat": "vehicle",
        "flower": "plant",
    }
)
_NO_NAME = frozenset({"other animal", "imaginary animal", "dish", "sweet", "sky", "household", "accessory"})
"""Classes that only sort the list: nobody asks for one by that name."""
_ENTRY = re.compile(r"(?P<noun>[\w-]+)(=(?P<icons>[^~(\s]+))?(?P<mass>~)?(\((?P<colour>\w+)\))?")
_IRREGULAR = {"mouse": "mice", "sheep": "sheep", "fish": "fish", "goose": "geese", "knife": "knives",
              "foot": "feet", "tooth": "teeth", "wolf": "wolves", "scarf": "scarves", "die": "dice",
              "deer": "deer", "aircraft": "aircraft", "snowman": "snowmen", "blowfish": "blowfish",
              "squid": "squid", "shrimp": "shrimp", "nut and bolt": "nuts and bolts",
              "bow and arrow": "bows and arrows", "leaf": "leaves", "man": "men"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of thing. ``classes`` go from the narrow ("fruit") to the wide ("food"); ``icons`` are the names
    that sets of icons have for it; ``mass`` nouns take no article and are not counted."""

    name: str
    classes: tuple[str, ...]
    icons: tuple[str, ...]
    mass: bool = False
    colour: str | None = None

    @property
    def parent(self) -> str:
        return self.classes[0]


def _read() -> Iterator[Noun]:
    group = ""
    for line in files(__package__).joinpath("things.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            group = line.strip("[]").replace("-", " ")
        elif line and not line.startswith("#"):
            for word in line.split():
                match = _ENTRY.fullmatch(word)
                assert match, f"things.txt: {word!r}"
                noun, colour = match["noun"], match["colour"]
                assert colour is None or colour in COLOURS, f"things.txt: {word!r}"
                icons = tuple(match["icons"].split("|")) if match["icons"] else ()
                above = (_CLASS_ABOVE[group],) if group in _CLASS_ABOVE else ()
                yield Noun(
                    noun.replace("-", " "), (group, *above), (*icons, noun), bool(match["mass"]), colour
                )


NOUNS: Mapping[str, Noun] = MappingProxyType({noun.name: noun for noun in _read()})


def nameable(noun: Noun) -> tuple[str, ...]:
    """The classes of ``noun`` that one would ask for by name, the narrow one first."""
    return tuple(name for name in noun.classes if name not in _NO_NAME)


def is_mass(name: str) -> bool:
    """Whether ``name`` takes no article and is not counted; a name that is not of the vocabulary does."""
    return name in NOUNS and NOUNS[name].mass


def plural(name: str) -> str:
    """``name`` for two and more."""
    head, space, last = name.rpartition(" ")
    if name in _IRREGULAR or last in _IRREGULAR:
        return _IRREGULAR.get(name) or head + space + _IRREGULAR[last]
    if re.search(r"(s|x|z|ch|sh)$", name) or name in ("tomato", "potato", "mosquito", "volcano"):
        return name + "es"
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


def with_article(phrase: str) -> str:
    """``phrase`` ("red apple") after a or an, by its first sound."""
    vowel = phrase[0].lower() in "aeiou" and not re.match(r"(?i)(uni|eu|one\b)", phrase)
    return f"{'an' if vowel else 'a'} {phrase}"
