"""Who is in which class, who may be, and what could be taken for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from types import MappingProxyType

from streams.train.pictures.vocabulary import NOUNS
from streams.train.sample import Thing

DOUBTFUL: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "animal": frozenset(
            {"dragon", "unicorn", "dinosaur", "teddy bear", "meat", "fishing pole", "snowman"}
        ),
        "bird": frozenset({"bat", "egg"}),
        "insect": frozenset({"spider", "scorpion", "snail", "worm"}),
        "fruit": frozenset(
            {"tomato", "avocado", "cucumber", "eggplant", "bell pepper", "chili", "corn", "pie"}
        ),
        "food": frozenset(
            {
                "coffee",
                "beer",
                "wine",
                "cocktail",
                "milk",
                "champagne",
                "frying pan",
                "salt shaker",
                "crab",
                "lobster",
                "shrimp",
                "fish",
                "squid",
                "octopus",
                "chicken",
                "turkey",
                "duck",
                "fishing pole",
                "fork and knife",
            }
        ),
        "drink": frozenset({"baby bottle", "teapot"}),
        "vehicle": frozenset(
            {
                "scooter",
                "skateboard",
                "sled",
                "parachute",
                "flying saucer",
                "rocket",
                "canoe",
                "shopping cart",
                "roller skate",
                "ice skate",
                "wheel",
                "roller coaster",
                "ferris wheel",
                "satellite",
                "comet",
            }
        ),
        "instrument": frozenset({"bell", "microphone"}),
        "flower": frozenset({"seedling", "clover", "cactus", "potted plant", "maple leaf"}),
        "building": frozenset({"tent", "fountain", "ferris wheel", "roller coaster", "tower", "hut", "door"}),
    }
)
"""Classes that are asked for, each with things that one may or may not count in."""


def classes_of(thing: Thing) -> tuple[str, ...]:
    """By its labels, or else by the vocabulary; of what is in neither only the parent is known."""
    if thing.classes:
        return thing.classes
    return NOUNS[thing.name].classes if thing.name in NOUNS else (thing.parent,)


def names_of(thing: Thing) -> tuple[str, ...]:
    return thing.names or (thing.name,)


def is_of(group: str, thing: Thing) -> bool | None:
    """Whether ``thing`` is in ``group``; None when that is doubtful, or it is called by the class itself."""
    doubtful = group in (*thing.names, *thing.besides) if thing.names else thing.name in DOUBTFUL[group]
    return None if doubtful else group in classes_of(thing)


def members(group: str, things: Iterable[Thing]) -> tuple[Thing, ...] | None:
    """Those of ``things`` that are in ``group``; None when one of them is doubtful."""
    found = [(thing, is_of(group, thing)) for thing in things]
    return None if any(each is None for _, each in found) else tuple(thing for thing, each in found if each)


def _alike() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    alike: dict[str, set[str]] = {}
    covers: dict[str, frozenset[str]] = {}
    for line in files(__package__).joinpath("alike.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        first, colon, rest = line.partition(":")
        names = [word.replace("-", " ") for word in line.replace(":", "").split()]
        unknown = [name for name in names if name not in NOUNS]
        assert not unknown, f"alike.txt: {unknown} are not in things.txt"
        if colon:
            covers[first.replace("-", " ")] = frozenset(word.replace("-", " ") for word in rest.split())
        for name in names:
            alike.setdefault(name, set()).update(other for other in names if other != name)
    return {name: frozenset(others) for name, others in alike.items()}, covers


_read = _alike()
ALIKE: Mapping[str, frozenset[str]] = MappingProxyType(_read[0])
"""By name, what could be taken for it."""
COVERS: Mapping[str, frozenset[str]] = MappingProxyType(_read[1])
"""By name, what is called by it too."""


def alike(thing: Thing, other: Thing) -> bool:
    """Whether the one could be taken for the other, or a name of the one be right of the other."""
    if not (thing.names or other.names):
        return other.name == thing.name or other.name in ALIKE.get(thing.name, frozenset())
    return any(
        set(names_of(one)) & {*names_of(two), *classes_of(two), *two.besides}
        for one, two in ((thing, other), (other, thing))
    )


def could_mean(thing: Thing, other: Thing) -> bool:
    """Whether who says "the ``thing``" may mean ``other``."""
    if thing.names or other.names:
        return alike(thing, other)
    return other.name == thing.name or other.name in COVERS.get(thing.name, frozenset())
