"""Ways to spoil a well-formed message by its fields, and whether what comes out is surely wrong."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from streams.bench.fuzz_binary import spoil_bytes
from streams.bench.fuzz_corpus import Message, Seed, Spoiled, Verdict
from streams.bench.fuzz_text import TEXT_MUTATIONS, Mutation, dump

Slot: TypeAlias = tuple[Any, str | int]
"""A place in a message: the object or list that holds it, and its key or index there."""

DEPTHS = (10, 100, 1_000, 100_000)
LENGTHS = (300, 100_000, 300_000)
HUGE_NUMBERS = (2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, -1e308, 1e-320, 0.1 + 0.2)
STRANGE_TEXTS = (
    "\0",
    "\ufeff",
    "\u2028",
    "\u202e",
    "𝕳" * 9,
    "'; DROP TABLE items; --",
    "../../etc",
    "%s%n{0}",
)
OTHER_TYPES: dict[type, tuple[Any, ...]] = {
    str: (7, 0.5, True, ["x"], {"x": 1}),
    bool: ("true", 1, 0.0, [True]),
    int: ("7", [7], {"value": 7}, True),
    float: ("0.5", [0.5], False),
    list: (7, "[]", {"0": 1}),
    dict: (7, "{}", [{}]),
}
"""For a value of a type, values of no type that its field takes."""

SCHEMAS: tuple[Any, ...] = (
    None,
    7,
    "no_such_type",
    [],
    {},
    {"$ref": "#"},
    {"type": "array"},
    {"pattern": "(a+)+$"},
    [[1]],
)
BROKEN_BASE64 = ("!", "====", "AAA", "AA=A", "\n", "AAAA AAAA", "data:,x", "ÄÄÄÄ")


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent: a str as a text frame, bytes as a binary one."""

    mutation: str
    payload: str | bytes
    verdict: Verdict
    seed: Seed


def spoil(seed: Seed, rng: random.Random) -> Case:
    """``seed`` after one mutation that fits it."""
    if isinstance(seed.message, bytes):
        return Case("binary", *spoil_bytes(seed.message, rng), seed)
    while True:
        mutate = rng.choice(MUTATIONS)
        spoiled = mutate(copy.deepcopy(seed.message), rng)
        if spoiled is not None:
            return Case(mutate.__name__.strip("_"), *spoiled, seed)


def unspoiled(seed: Seed) -> Case:
    message = seed.message
    return Case("none", message if isinstance(message, bytes) else dump(message), "right", seed)


def _slots(value: Any) -> Iterator[Slot]:
    """Every place in ``value``, at any depth but inside schemas, which have rules of their own."""
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in keys:
        yield value, key
        if key != "parameters":
            yield from _slots(child)


def _pick(message: Message, rng: random.Random, *types: type) -> Slot | None:
    """A place whose value is of one of ``types``."""
    slots = [(holder, key) for holder, key in _slots(message) if type(holder[key]) in types]
    return rng.choice(slots) if slots else None


def _pick_any(message: Message, rng: random.Random) -> Slot:
    return rng.choice([*_slots(message)])


def _type_flip(message: Message, rng: random.Random) -> Spoiled | None:
    slot = _pick(message, rng, *OTHER_TYPES)
    if slot is None:
        return None
    holder, key = slot
    holder[key] = rng.choice(OTHER_TYPES[type(holder[key])])
    return dump(message), "wrong"


def _null(message: Message, rng: random.Random) -> Spoiled:
    holder, key = _pick_any(message, rng)
    holder[key] = None
    return dump(message), "either"


def _left_out(message: Message, rng: random.Random) -> Spoiled:
    holder, key = _pick_any(message, rng)
    del holder[key]
    return dump(message), "wrong" if key == "type" and holder is message else "either"


def _unknown_field(message: Message, rng: random.Random) -> Spoiled:
    inside = [(holder[key], key) for holder, key in _slots(message) if isinstance(holder[key], dict)]
    holders = [message, *(child for child, key in inside if key != "parameters")]
    rng.choice(holders)[rng.choice(("colour", "", "__proto__", "typé", "type "))] = rng.choice((None, 1, {}))
    return dump(message), "wrong"


def _unknown_type(message: Message, rng: random.Random) -> Spoiled:
    kind = message["type"]
    message["type"] = rng.choice(
        (kind.upper(), f" {kind}", kind[:-1], "session.created", "", "\0", kind * 99)
    )
    return dump(message), "wrong"


def _of_another(message: Message, rng: random.Random) -> Spoiled:
    """The fields of one event under the type of another."""
    kinds = ("session.update", "response.create", "conversation.item.create", "input_audio_buffer.append")
    message["type"] = rng.choice(kinds)
    return dump(message), "either"


def _number(message: Message, rng: random.Random) -> Spoiled | None:
    slot = _pick(message, rng, int, float)
    if slot is None:
        return None
    holder, key = slot
    holder[key] = rng.choice((*HUGE_NUMBERS, -1, -0.0, 0))
    return dump(message), "either"


def _not_a_number(message: Message, rng: random.Random) -> Spoiled:
    holder, key = _pick_any(message, rng)
    holder[key] = rng.choice((float("nan"), float("inf"), float("-inf")))
    return dump(message), "wrong"


def _nested(message: Message, rng: random.Random) -> Spoiled:
    """A field that goes very deep; by text, since a writer of JSON would not get down there."""
    holder, key = _pick_any(message, rng)
    holder[key] = "@"
    depth = rng.choice(DEPTHS)
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    ends = closing * depth if rng.random() < 0.8 else ""
    spoiled = dump(message).replace('"@"', f"{opening * depth}1{ends}", 1)
    return spoiled, "either" if key == "parameters" else "wrong"


def _long_text(message: Message, rng: random.Random) -> Spoiled | None:
    slot = _pick(message, rng, str)
    if slot is None:
        return None
    holder, key = slot
    holder[key] = rng.choice(("A", "word ", "é", "🙂", "\\", '"')) * rng.choice(LENGTHS)
    return dump(message), "either"


def _strange_text(message: Message, rng: random.Random) -> Spoiled | None:
    slot = _pick(message, rng, str)
    if slot is None:
        return None
    holder, key = slot
    holder[key] += rng.choice(STRANGE_TEXTS)
    return dump(message), "either"


def _lone_surrogate(message: Message, rng: random.Random) -> Spoiled | None:
    slot = _pick(message, rng, str)
    if slot is None:
        return None
    holder, key = slot
    holder[key] += rng.choice(("\ud800", "\udfff", "\udc00\ud800"))
    return json.dumps(message), "wrong"  # escaped: a frame of text can hold it in no other way


def _schema(message: Message, rng: random.Random) -> Spoiled | None:
    """A JSON schema with something else in one of its places."""
    for holder, key in _slots(message):
        if key == "parameters":
            inside, at = _pick_any(holder[key], rng)
            inside[at] = rng.choice(SCHEMAS)
            return dump(message), "either"
    return None


def _swapped(message: Message, rng: random.Random) -> Spoiled:
    (one, here), (other, there) = rng.choices(
        [slot for slot in _slots(message) if slot[1] != "event_id"], k=2
    )
    first, second = copy.deepcopy(one[here]), copy.deepcopy(other[there])
    one[here], other[there] = second, first
    return dump(message), "either"


def _base64(message: Message, rng: random.Random) -> Spoiled | None:
    return _media(message, rng.choice(BROKEN_BASE64))


def _odd_bytes(message: Message, rng: random.Random) -> Spoiled | None:
    """Good base64 of an odd number of bytes, which are no picture either."""
    return _media(message, rng.choice(("AA==", "////", "/9j/", "iVBORw0KGgoA", "UklGRgAAAABXRUI=")))


def _media(message: Message, data: str) -> Spoiled | None:
    """``data`` in the place of sound or of a picture."""
    places = [(holder, key) for holder, key in _slots(message) if key in ("audio", "image", "image_url")]
    places = [(holder, key) for holder, key in places if isinstance(holder[key], str)]
    if not places:
        return None
    holder, key = places[0]
    holder[key] = f"data:image/png;base64,{data}" if key == "image_url" else data
    return dump(message), "wrong"


MUTATIONS: tuple[Mutation, ...] = (
    _type_flip,
    _null,
    _left_out,
    _unknown_field,
    _unknown_type,
    _of_another,
    _number,
    _not_a_number,
    _nested,
    _long_text,
    _strange_text,
    _lone_surrogate,
    _schema,
    _swapped,
    _base64,
    _odd_bytes,
    *TEXT_MUTATIONS,
)
