"""What people say in a stream, to be asked for later: facts, told to the model or overheard."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streams.train.dialogue.phrases import expand, sections
from streams.train.sample import Reply, Split, Turn

ACKNOWLEDGED = "I will remember that."
UNKNOWN = "I was not told that."
TOLD_SHARE, ASKED_SHARE, UNKNOWN_SHARE, TO_MODEL_SHARE = 0.4, 0.8, 0.12, 0.5
"""Streams in which something is told; facts of these that are asked for; questions about what nobody said;
facts that are said to the model, which acknowledges them, and not to somebody else."""
MOST_FACTS = 3


@dataclass(frozen=True, slots=True)
class Fact:
    """Three sentences whose slots are filled in with the same words."""

    said: str
    question: str
    answer: str

    def filled(self, words: Mapping[str, str]) -> Fact:
        return Fact(*(text.format_map(words) for text in (self.said, self.question, self.answer)))


def _read() -> tuple[dict[str, tuple[Fact, ...]], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Facts and questions about what was not told, by split, and words by slot (and split, "who/test")."""
    facts: dict[str, list[Fact]] = {}
    unknown: dict[str, list[str]] = {}
    words: dict[str, tuple[str, ...]] = {}
    for kind, split, line in sections("told.txt"):
        if kind == "fact":
            said, question, answer = line.split(" | ")
            facts.setdefault(split, []).extend(
                Fact(each, asked, answer) for each in expand(said) for asked in expand(question)
            )
        elif kind == "unknown":
            unknown.setdefault(split, []).extend(expand(line))
        else:
            words[f"{kind}/{split}" if split else kind] = tuple(line.split(", "))
    return (
        {split: tuple(found) for split, found in facts.items()},
        {split: tuple(found) for split, found in unknown.items()},
        words,
    )


_FACTS, _UNKNOWN, _WORDS = _read()
FACTS: Mapping[str, tuple[Fact, ...]] = MappingProxyType(_FACTS)
"""By split; slots are open."""
UNTOLD: Mapping[str, tuple[str, ...]] = MappingProxyType(_UNKNOWN)
"""Questions by split, to be asked about what nobody said."""
NAMES = frozenset(
    word for slot, words in _WORDS.items() if slot.startswith(("who", "town")) for word in words
)
"""Of people and towns, which have a capital wherever they stand."""


def tell(moments_us: tuple[int, ...], split: Split, rng: random.Random) -> list[Turn]:
    """Facts said at some of ``moments_us`` (in time order), and questions at later ones; often none at all.

    Two facts of one stream never answer one question. A fact that is said to the model is a turn with a
    reply, one that is overheard has none.
    """
    if len(moments_us) < 2 or rng.random() >= TOLD_SHARE:
        return []
    turns: list[Turn] = []
    asked: set[str] = set()
    free = list(moments_us)
    for _ in range(rng.randint(1, MOST_FACTS)):
        if len(free) < 2:
            break
        said_us, asked_us = sorted(rng.sample(free, 2))
        pattern = rng.choice(FACTS[split])
        fact = pattern.filled(_draw(split, rng))
        # One who says what the other one asked for gives it another answer.
        if pattern.question in asked:
            continue
        asked.add(pattern.question)
        free.remove(said_us)
        to_model = rng.random() < TO_MODEL_SHARE
        replies = (Reply(said_us, ACKNOWLEDGED),) if to_model else ()
        turns.append(Turn(said_us, "told" if to_model else "overheard", fact.said, replies))
        if rng.random() < ASKED_SHARE:
            free.remove(asked_us)
            turns.append(_question(asked_us, fact, said_us))
    unanswered = [pattern for pattern in UNTOLD[split] if pattern not in asked]
    if free and unanswered and rng.random() < UNKNOWN_SHARE:
        text = rng.choice(unanswered).format_map(_draw(split, rng))
        at_us = rng.choice(free)
        turns.append(Turn(at_us, "heard", text, (Reply(at_us, UNKNOWN),)))
    return turns


def _question(at_us: int, fact: Fact, said_us: int) -> Turn:
    bare = re.sub(r"^(?:on|at|in|to|from|the|some) ", "", fact.answer.rstrip("."), flags=re.IGNORECASE)
    reply = Reply(at_us, fact.answer, (fact.answer.rstrip("."), bare))
    return Turn(at_us, "heard", fact.question, (reply,), ((said_us, said_us),))


def _draw(split: Split, rng: random.Random) -> dict[str, str]:
    """Words for every slot, those of capitalised slots with a capital."""
    words = {
        name.partition("/")[0]: rng.choice(choices)
        for name, choices in _WORDS.items()
        if "/" not in name or name.endswith(f"/{split}")
    }
    return words | {name.capitalize(): text[0].upper() + text[1:] for name, text in words.items()}
