"""Made-up streams in which facts are said, seconds to hours before they are asked for.

All facts have one form, "The … of the … is …", with values that are drawn: none can be guessed, and each is a
distractor for the others. What the questions ask of the model had to be little enough for one of 135M
parameters to answer most of them with full attention over thousands of tokens. That it does when a fact is
asked back before it is told ("The code of the garage door? The code …"), when there are eight in a stream (of
24 it got half as many), and for these subjects of forty that were tried, with other draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from streams.types import US_PER_S, BlockKind

AGES_S = (5, 60, 600, 3_600, 10_800)
"""How long before the question evidence is said."""

PIECES = 150
"""Blocks of a script, which come to about 2,500 tokens."""

FACTS = 8
"""Facts of a script, at most."""

HOURS = 3.4

BUSY_S = 30
BUSY_PIECES = 24
"""So much is seen and said in the last seconds; further back ever less that is worth a block."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is said of ``thing``. ``values`` are words, or a number of (different) digits from 1 to 9.

    ``form`` makes the value of what was drawn; an answer may give it in another ``unit`` ("meters") or none.
    """

    attribute: str
    thing: str
    values: tuple[str, ...] | int
    form: str = "{}"
    unit: str = ""

    @property
    def question(self) -> str:
        return f"What is the {self.attribute} of the {self.thing}?"

    def statement(self, value: str) -> str:
        """The fact, as somebody tells it who was asked for it."""
        subject = f"The {self.attribute} of the {self.thing}"
        return f"{subject}? {subject} is {value}{self.unit}"

    def draw(self, random: Random) -> str:
        if isinstance(self.values, int):
            return self.form.format("".join(random.sample("123456789", self.values)))
        return self.form.format(random.choice(self.values))


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes one block: a frame's names, or what was overheard."""

    at_us: int
    kind: BlockKind
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question at the end of a script; ``evidence`` is the place of the piece that answers it."""

    question: str
    value: str
    evidence: int
    age_s: int


@dataclass(frozen=True, slots=True)
class Script:
    pieces: tuple[Piece, ...]
    cases: tuple[Case, ...]
    end_us: int


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CITIES = _words(
    "Lisbon Oslo Madrid Vienna Cairo Dublin Prague Athens Warsaw Havana Lima Nairobi Seoul Toronto"
)

SUBJECTS = (
    Subject("code", "garage door", 4),
    Subject("password", "printer", 4),
    Subject("account number", "florist", 5),
    Subject("serial number", "camera", 5),
    Subject("phone number", "plumber", 6),
    Subject("postcode", "museum", 5),
    Subject("licence plate", "white van", 4),
    Subject("address", "dentist", 2, "{} King Street"),
    Subject("height", "church tower", 2, unit=" feet"),
    Subject("weight", "parcel", 2, unit=" pounds"),
    Subject("year", "shipwreck", 2, "18{}"),
    Subject("day", "wedding", _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")),
    Subject("month", "harvest festival", _words("January February March April June July August October")),
    Subject("home town", "singer", CITIES),
    Subject("destination", "sailing boat", CITIES),
    Subject("language", "letter", _words("Finnish Greek Polish Turkish Danish Korean")),
)

SIGHTS = _words(
    "cat sofa bowl lamp chair table dog bottle book cup plant window clock vase mirror bicycle car bus tree "
    "bench laptop phone keyboard mouse television"
)

CHATTER = """
It is getting late
Could somebody open the window
I will make some coffee
The weather was lovely this morning
We should leave before it rains
Did you hear the news today
Dinner is almost ready
I cannot find my shoes
Let us sit down for a moment
That was a very long meeting
The music is too loud
Please close the curtains behind you
My brother is coming tomorrow
I have not slept well
We need more bread and milk
The bus was late again
Somebody is knocking
Turn off the light please
This soup is too salty
I like this song very much
What a beautiful evening
They painted the whole fence
Nobody answered the bell
The children are asleep
She said she would call back
He forgot his lunch again
The shop closes at noon
I will be right back
It smells like rain
We have plenty of time
Put the bags on the floor
The dog wants to go out
I read that book last summer
Your tea is getting cold
The garden needs some water
Take your time
"""


def scripts(questions: int, seed: int = 0) -> Iterator[Script]:
    """Scripts with ``questions`` cases in all, of evidence at every age in turn."""
    random = Random(seed)
    ages = [AGES_S[place % len(AGES_S)] for place in range(questions)]
    for start in range(0, questions, FACTS):
        part = ages[start : start + FACTS]
        yield compose(random.sample(SUBJECTS, len(part)), part, random)


def compose(subjects: list[Subject], ages_s: list[int], random: Random, pieces: int = PIECES) -> Script:
    """A script of ``pieces`` in which each of ``subjects`` is told of at its age, half of the rest seen.

    ``pieces`` must leave room for the busy end; every subject needs a value of its own.
    """
    values: list[str] = []
    for subject in subjects:
        value = subject.draw(random)
        while value in values:
            value = subject.draw(random)
        values.append(value)
    end_s = HOURS * 3_600
    told = [
        (age * random.uniform(0.9, 1.1), BlockKind.UTTERANCE, subject.statement(value))
        for subject, value, age in zip(subjects, values, ages_s, strict=True)
    ]
    rest = pieces - len(told) - BUSY_PIECES
    since = [random.uniform(0, BUSY_S) for _ in range(BUSY_PIECES)]
    since += [math.exp(random.uniform(math.log(BUSY_S), math.log(end_s))) for _ in range(rest)]
    seen_or_said = [(age, *_filler(random, place)) for place, age in enumerate(since)]
    in_order = sorted([*told, *seen_or_said], key=lambda each: -each[0])
    made = tuple(Piece(round((end_s - age) * US_PER_S), kind, text) for age, kind, text in in_order)
    places = {text: place for place, (_, _, text) in enumerate(in_order)}
    cases = tuple(
        Case(subject.question, value, places[statement], age)
        for subject, value, age, (_, _, statement) in zip(subjects, values, ages_s, told, strict=True)
    )
    return Script(made, cases, round(end_s * US_PER_S))


def _filler(random: Random, place: int) -> tuple[BlockKind, str]:
    """What is seen and what is said in turn, as many of one as of the other."""
    if place % 2:
        return BlockKind.FRAME, f"a {random.choice(SIGHTS)}"
    return BlockKind.UTTERANCE, random.choice(CHATTER.strip().splitlines())
