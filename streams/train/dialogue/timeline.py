"""A stream as it goes by: shots of the pool one after the other, at times, and what was seen when."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace

from streams.train.dialogue.classes import names_of
from streams.train.pictures.vocabulary import NOUNS
from streams.train.sample import Facts, Seen, Thing
from streams.types import US_PER_S

MAX_LENGTH_US = 3600 * US_PER_S
VOCABULARY = tuple(Thing(noun.name, noun.parent) for noun in sorted(NOUNS.values(), key=lambda n: n.name))


@dataclass(frozen=True, slots=True)
class Sighting:
    """One shot: its frames, and what they show. ``motion`` is where its thing has moved, "" if nowhere."""

    frames: tuple[Seen, ...]

    @property
    def start_us(self) -> int:
        return self.frames[0].pts_us

    @property
    def end_us(self) -> int:
        return self.frames[-1].pts_us

    @property
    def span(self) -> tuple[int, int]:
        return self.start_us, self.end_us

    @property
    def facts(self) -> Facts:
        return self.frames[0].facts

    @property
    def motion(self) -> str:
        return next((frame.facts.motion for frame in self.frames if frame.facts.motion), "")

    def thing(self, name: str) -> Thing | None:
        return next((thing for thing in self.facts.things if thing.name == name), None)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Sightings in time order, and what ``kinds`` of thing could be seen."""

    sightings: tuple[Sighting, ...]
    kinds: tuple[Thing, ...]

    @property
    def frames(self) -> tuple[Seen, ...]:
        return tuple(frame for sighting in self.sightings for frame in sighting.frames)

    def until(self, at_us: int) -> tuple[Sighting, ...]:
        """What was seen up to ``at_us``, the last sighting as far as it had gone."""
        return tuple(
            Sighting(tuple(frame for frame in sighting.frames if frame.pts_us <= at_us))
            for sighting in self.sightings
            if sighting.start_us <= at_us
        )


class Pool:
    """The shots of a pool of pictures, by their numbers, and what kinds of thing they could show: all of the
    vocabulary, or where some are labelled, those of the pool."""

    def __init__(self, facts: Sequence[Facts], shots: Sequence[int]) -> None:
        self.facts = facts
        grouped: dict[int, list[int]] = {}
        for number, shot in enumerate(shots):
            grouped.setdefault(shot, []).append(number)
        self.shots = tuple(tuple(numbers) for numbers in grouped.values())
        shown = {replace(thing, colour=None, place="", count=1) for each in facts for thing in each.things}
        self.kinds = tuple(sorted(shown, key=astuple)) if any(kind.names for kind in shown) else VOCABULARY


def make_timeline(pool: Pool, frames: int, rng: random.Random) -> Timeline:
    """A stream of ``frames`` frames: one every 1 to 4 s, in one stream of four with gaps of minutes.

    Two shots in a row never show the same thing or text, and things seldom come back at all.
    """
    interval_us = rng.choice((2, 3, 4, 6, 8)) * US_PER_S // 2
    gaps = rng.random() < 0.25
    repeats = rng.choice((0.0, 0.0, 0.3))
    pts_us = rng.randrange(0, 2 * US_PER_S, US_PER_S // 10)
    sightings: list[Sighting] = []
    met: set[str] = set()
    left = frames
    while left:
        numbers = _next_shot(pool, sightings[-1] if sightings else None, met, repeats, rng)
        shown = _held(pool, numbers, rng)[:left]
        seen: list[Seen] = []
        for number, facts in shown:
            seen.append(Seen(pts_us, number, facts))
            pts_us += interval_us
        if gaps and rng.random() < 0.3:
            latest_us = MAX_LENGTH_US - left * interval_us
            pts_us = max(pts_us, min(pts_us + rng.randint(30, 600) * US_PER_S, latest_us))
        sightings.append(Sighting(tuple(seen)))
        met |= _marks(sightings[-1].facts)
        left -= len(seen)
    return Timeline(tuple(sightings), pool.kinds)


def _next_shot(
    pool: Pool, before: Sighting | None, met: set[str], repeats: float, rng: random.Random
) -> tuple[int, ...]:
    again = rng.random() < repeats
    last = _marks(before.facts) if before else set()
    for _ in range(1000):
        numbers = rng.choice(pool.shots)
        marks = _marks(pool.facts[numbers[0]])
        if not marks & last and (again or not marks & met):
            return numbers
    raise ValueError(f"{len(pool.shots)} shots are too few for a stream in which they do not come back")


def _marks(facts: Facts) -> set[str]:
    names = {name for thing in facts.things for name in names_of(thing)}
    return names | ({facts.text} if facts.text else set())


def _held(pool: Pool, numbers: tuple[int, ...], rng: random.Random) -> list[tuple[int, Facts]]:
    """The pictures of a shot; the last one may stay for some frames, in which nothing moves."""
    shown = [(number, pool.facts[number]) for number in numbers]
    number, facts = shown[-1]
    still = replace(facts, motion="")
    return shown + [(number, still)] * rng.choice((0, 0, 0, 1, 2))


def things_in(sightings: Sequence[Sighting]) -> Iterator[tuple[Sighting, Thing]]:
    """All things seen, each as often as there are sightings of it."""
    for sighting in sightings:
        yield from ((sighting, thing) for thing in sighting.facts.things)
