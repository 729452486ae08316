"""Ways to spoil a message as the text that is sent, where it need not be JSON any more."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, TypeAlias

from streams.bench.fuzz_corpus import Message, Spoiled

Mutation: TypeAlias = Callable[[Message, random.Random], Spoiled | None]
"""Spoils the message that it is given, which it may change; None where it does not fit."""


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _twice(message: Message, rng: random.Random) -> Spoiled:
    """A field that is there twice, the second time with another value."""
    name = rng.choice([name for name in message if name != "event_id"])
    again = rng.choice((None, 1, "x", message[name]))
    return f"{dump(message)[:-1]}, {dump(name)}: {dump(again)}}}", "either"


def _cut(message: Message, rng: random.Random) -> Spoiled:
    text = dump(message)
    return text[: rng.randrange(len(text))], "wrong"


def _noise(message: Message, rng: random.Random) -> Spoiled:
    """Some characters of the text replaced."""
    text = [*dump(message)]
    for _ in range(rng.randint(1, 5)):
        text[rng.randrange(len(text))] = rng.choice('{}[]",:0e-+.\\ \t\0aé🙂')
    return "".join(text), "either"


def _no_object(message: Message, rng: random.Random) -> Spoiled:
    return rng.choice(
        ("", " ", "null", "true", "7", '"text"', "[]", dump([message]), "{}{}", "\ufeff{}")
    ), "wrong"


def _around(message: Message, rng: random.Random) -> Spoiled:
    """White space is no harm; anything else after the object is."""
    text = dump(message)
    if rng.random() < 0.5:
        return f"\r\n\t {text} \n", "either"
    return rng.choice((f"{text},", f"{text}{text}", f"{text}//", f"\0{text}")), "wrong"


def _as_binary(message: Message, rng: random.Random) -> Spoiled:
    return dump(message).encode(), "wrong"  # whose first byte is that of a brace, and no kind


TEXT_MUTATIONS: tuple[Mutation, ...] = (_twice, _cut, _noise, _no_object, _around, _as_binary)
