"""What a question can draw on: all that was seen until it is asked, and the phrases of its split."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.train.dialogue.classes import DOUBTFUL, alike, could_mean, is_of
from streams.train.dialogue.phrases import PHRASES
from streams.train.dialogue.timeline import Sighting, things_in
from streams.train.dialogue.wording import any_of, phrase, sentence, wordings
from streams.train.pictures.fonts import WORDS
from streams.train.pictures.vocabulary import COLOURS, is_mass, plural
from streams.train.sample import Reply, Split, Thing, Topic, Turn


@dataclass(frozen=True, slots=True)
class Moment:
    """``seen`` are the sightings up to ``at_us``, of which the last is the present; ``kinds`` are of what
    there could have been."""

    seen: tuple[Sighting, ...]
    at_us: int
    split: Split
    rng: random.Random
    kinds: tuple[Thing, ...]

    @property
    def present(self) -> Sighting:
        return self.seen[-1]

    @property
    def past(self) -> tuple[Sighting, ...]:
        return self.seen[:-1]

    @property
    def groups(self) -> list[str]:
        """The classes that are asked for and could be seen."""
        return [group for group in DOUBTFUL if any(is_of(group, kind) for kind in self.kinds)]

    def unique(self, sightings: Sequence[Sighting]) -> list[tuple[Sighting, Thing]]:
        """Things of ``sightings`` whose name fits nothing else in all that was seen, in random order."""
        found = [
            (sighting, thing)
            for sighting, thing in things_in(sightings)
            if sum(could_mean(thing, other) for _, other in things_in(self.seen)) == 1
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
    many = thing.count != 1
    return {
        "thing": plural(thing.name) if many else thing.name,
        "things": plural(thing.name),
        "a_thing": any_of(thing.name),
    }


def wrong_things(moment: Moment, thing: Thing) -> list[str]:
    """Wrong answers that are near: things seen at other times, then any of the same class.

    They have a colour where ``thing`` has one, so that the right one does not stand out.
    """
    seen = _names(other for _, other in things_in(moment.seen) if other.name != thing.name)
    moment.rng.shuffle(seen)
    akin = _names(kind for kind in moment.kinds if kind.parent == thing.parent)
    moment.rng.shuffle(akin)
    kinds = _names(moment.kinds)
    anything = moment.rng.sample(kinds, min(4, len(kinds)))
    right = {kind.name for kind in moment.kinds if alike(kind, thing)}
    wrong = [name for name in dict.fromkeys((*seen[:2], *akin[:2], *anything)) if name not in right]
    colours = list(COLOURS)
    return [phrase(Thing(name, "", moment.rng.choice(colours) if thing.colour else None)) for name in wrong]


def which_of(moment: Moment, topic: Topic, group: str, sighting: Sighting, thing: Thing) -> Turn:
    """Asked which one of ``group`` it was, the only one: its name. Wrong answers are others of the class."""
    question = moment.ask("class-now" if topic == "now" else "class", group=group)
    right = {kind.name for kind in moment.kinds if alike(kind, thing)}
    akin = [name for name in _names(kind for kind in moment.kinds if is_of(group, kind)) if name not in right]
    # Among single things several stand out.
    others = [any_of(name) for name in moment.rng.sample(akin, min(3, len(akin)))] if thing.count else []
    answer = phrase(thing, coloured=False)
    return moment.turn(topic, question, answer, wordings(thing, group), (sighting.span,), others)


def _names(things: Iterable[Thing]) -> list[str]:
    return sorted({thing.name for thing in things})


def is_singular(thing: Thing) -> bool:
    """Whether "the <thing> was" is right: not for several, nor for what has no singular ("scissors")."""
    return thing.count == 1 and not is_plural(thing.name)


def is_plural(name: str) -> bool:
    return is_mass(name) and name.endswith("s")


def words_like(text: str) -> list[str]:
    """Words that could stand on a sign instead of ``text``: numbers for a number."""
    return [word for word in WORDS if word.isdigit() == text.isdigit() and word != text]
