"""What a question can draw on: all that was seen until it is asked, and the phrases of its split."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from streams.train.dialogue.classes import ALIKE, COVERS, DOUBTFUL
from streams.train.dialogue.phrases import PHRASES
from streams.train.dialogue.timeline import Sighting, names_in
from streams.train.dialogue.wording import any_of, narrow_class, phrase, sentence
from streams.train.pictures.fonts import WORDS
from streams.train.pictures.vocabulary import COLOURS, NOUNS, plural
from streams.train.sample import Reply, Split, Thing, Topic, Turn


@dataclass(frozen=True, slots=True)
class Moment:
    """``seen`` are the sightings up to ``at_us``, of which the last is the present."""

    seen: tuple[Sighting, ...]
    at_us: int
    split: Split
    rng: random.Random

    @property
    def present(self) -> Sighting:
        return self.seen[-1]

    @property
    def past(self) -> tuple[Sighting, ...]:
        return self.seen[:-1]

    def unique(self, sightings: Sequence[Sighting]) -> list[tuple[Sighting, Thing]]:
        """Things of ``sightings`` whose name fits nothing else in all that was seen, in random order."""
        names = list(names_in(self.seen))
        found = [
            (sighting, thing)
            for sighting in sightings
            for thing in sighting.facts.things
            if names.count(thing.name) == 1 and not COVERS.get(thing.name, frozenset()) & set(names)
        ]
        self.rng.shuffle(found)
        return found

    def ask(self, kind: str, **words: str) -> str:
        return self.rng.choice(PHRASES[kind, self.split]).format(**words)

    def turn(
        self,
        topic: Topic,
        text: str,
        answer: str,
        accepted: Iterable[str],
        evidence: Iterable[tuple[int, int]],
        others: Iterable[str] = (),
    ) -> Turn:
        """A question answered at once. ``others`` are wrong answers; three of them make it one of choices."""
        right = dict.fromkeys(accepted)
        wrong = [other for other in dict.fromkeys(others) if other not in right and other != answer]
        self.rng.shuffle(wrong)
        choices: list[str] = []
        if len(wrong) >= 3:
            choices = [sentence(choice) for choice in (answer, *wrong[:3])]
            self.rng.shuffle(choices)
        reply = Reply(self.at_us, sentence(answer), tuple(right))
        return Turn(self.at_us, topic, text, (reply,), tuple(sorted(evidence)), tuple(choices))


def words_for(thing: Thing) -> dict[str, str]:
    """What phrases about ``thing`` are filled in with."""
    many = thing.count > 1
    return {
        "thing": plural(thing.name) if many else thing.name,
        "things": plural(thing.name),
        "a_thing": any_of(thing.name),
    }


def wrong_things(moment: Moment, thing: Thing) -> list[str]:
    """Wrong answers that are near: things seen at other times, then any of the same class.

    They have a colour where ``thing`` has one, so that the right one does not stand out.
    """
    seen = sorted({other for other in names_in(moment.seen) if other != thing.name})
    moment.rng.shuffle(seen)
    akin = sorted(other for other in NOUNS if NOUNS[other].parent == thing.parent)
    moment.rng.shuffle(akin)
    anything = moment.rng.sample(sorted(NOUNS), 4)
    wrong = dict.fromkeys((*seen[:2], *akin[:2], *anything))
    names = [name for name in wrong if name != thing.name and name not in ALIKE.get(thing.name, frozenset())]
    colours = list(COLOURS)
    return [
        phrase(Thing(name, NOUNS[name].parent, moment.rng.choice(colours) if thing.colour else None))
        for name in names
    ]


def which_of(
    moment: Moment, topic: Topic, question: str, group: str, sighting: Sighting, thing: Thing
) -> Turn:
    """Asked which one of ``group`` it was, the only one: its name. Wrong answers are others of the class."""
    accepted = [phrase(thing, coloured=False), phrase(thing), thing.name]
    narrow = narrow_class(thing.name)
    if narrow is not None and narrow != group:
        accepted.append(narrow)
    right = {thing.name, *ALIKE.get(thing.name, ()), *DOUBTFUL[group]}
    akin = sorted(name for name, noun in NOUNS.items() if group in noun.classes and name not in right)
    others = [phrase(Thing(name, NOUNS[name].parent)) for name in moment.rng.sample(akin, min(3, len(akin)))]
    answer = phrase(replace(thing, colour=None))
    return moment.turn(topic, question, answer, accepted, (sighting.span,), others)


def is_singular(thing: Thing) -> bool:
    """Whether "the <thing> was" is right: not for several, nor for what has no singular ("scissors")."""
    return thing.count == 1 and not is_plural(thing.name)


def is_plural(name: str) -> bool:
    return name in NOUNS and NOUNS[name].mass and name.endswith("s")


def words_like(text: str) -> list[str]:
    """Words that could stand on a sign instead of ``text``: numbers for a number."""
    return [word for word in WORDS if word.isdigit() == text.isdigit() and word != text]
