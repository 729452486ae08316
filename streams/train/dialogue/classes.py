"""Who is in which class, who may be, and what could be taken for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from types import MappingProxyType

from streams.train.pictures.vocabulary import NOUNS

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


def members(group: str, names: Iterable[str]) -> tuple[str, ...] | None:
    """Those of ``names`` that are in ``group``; None when one of them is doubtful."""
    doubtful = DOUBTFUL[group]
    found = []
    for name in names:
        if name in doubtful:
            return None
        if group in NOUNS[name].classes:
            found.append(name)
    return tuple(found)


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
