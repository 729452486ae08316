"""Questions about what was seen before: each has one answer in all that was seen, or it is not asked."""

from __future__ import annotations

from streams.train.dialogue.classes import alike, members
from streams.train.dialogue.moment import (
    Moment,
    is_plural,
    is_singular,
    which_of,
    words_for,
    words_like,
    wrong_things,
)
from streams.train.dialogue.timeline import Sighting, things_in
from streams.train.dialogue.wording import (
    NUMBERS,
    PLACE_PHRASES,
    WAY_PHRASES,
    any_of,
    describe,
    phrase,
    wordings,
)
from streams.train.pictures.vocabulary import COLOURS, is_mass, plural
from streams.train.sample import Thing, Turn
from streams.types import US_PER_S, format_time

_YES_SHARE = 0.62
"""How often "yes" is tried. It cannot always be had, "no" nearly always: so both come about as often."""


def ask_colour(moment: Moment) -> Turn | None:
    for sighting, thing in moment.unique(moment.past):
        if thing.colour is not None and is_singular(thing):
            question = moment.ask("colour", **words_for(thing))
            return moment.turn("colour", question, thing.colour, (thing.colour,), (sighting.span,), COLOURS)
    return None


def ask_place(moment: Moment) -> Turn | None:
    for sighting, thing in moment.unique(moment.past):
        if thing.place and is_singular(thing):
            question = moment.ask("place", **words_for(thing))
            answer, others = PLACE_PHRASES[thing.place], PLACE_PHRASES.values()
            return moment.turn("place", question, answer, (answer, thing.place), (sighting.span,), others)
    return None


def ask_beside(moment: Moment) -> Turn | None:
    """What was to the left of, or above, the other one of two things."""
    for sighting, thing in moment.unique(moment.past):
        sides = {"right": "to the left of", "left": "to the right of", "bottom": "above", "top": "below"}
        if len(sighting.facts.things) == 2 and thing.place in sides and not sighting.facts.text:
            other = next(other for other in sighting.facts.things if other is not thing)
            side = sides[thing.place]
            question = moment.ask("beside", side=side, Side=side.capitalize(), **words_for(thing))
            return _name(moment, "place", question, sighting, other.name, (sighting.span,))
    return None


def ask_count(moment: Moment) -> Turn | None:
    for sighting, thing in moment.unique(moment.past):
        # Only of what was drawn at a place is it known that there was just one.
        alone = thing.count == 1 and thing.place != "" and not is_mass(thing.name)
        if thing.count > 1 or (moment.rng.random() < 0.02 and alone):
            question = moment.ask("count", **words_for(thing))
            number = NUMBERS[thing.count]
            counted = plural(thing.name) if thing.count > 1 else thing.name
            accepted = (number, str(thing.count), f"{number} {counted}")
            return moment.turn("count", question, number, accepted, (sighting.span,), NUMBERS[1:])
    return None


def ask_before(moment: Moment) -> Turn | None:
    return _neighbour(moment, "before", -1)


def ask_after(moment: Moment) -> Turn | None:
    return _neighbour(moment, "after", 1)


def ask_at(moment: Moment) -> Turn | None:
    """What was seen at a time of the clock, in whose second nothing else was."""
    past = list(moment.past)
    moment.rng.shuffle(past)
    for sighting in past:
        second = moment.rng.choice(sighting.frames).pts_us // US_PER_S
        alone = all(
            other is sighting or all(frame.pts_us // US_PER_S != second for frame in other.frames)
            for other in moment.seen
        )
        if alone and _simple(sighting):
            question = moment.ask("at", time=format_time(second * US_PER_S))
            return _what(moment, question, sighting, (sighting.span,))
    return None


def ask_first(moment: Moment) -> Turn | None:
    if not moment.past or not _simple(moment.seen[0]):
        return None
    return _what(moment, moment.ask("first"), moment.seen[0], (moment.seen[0].span,))


def ask_seen(moment: Moment) -> Turn | None:
    """Yes or no, as often the one as the other; one time in four about a class of things."""
    if moment.rng.random() < 0.25:
        return _seen_class(moment)
    if moment.rng.random() < _YES_SHARE:
        unique = moment.unique(moment.past)
        found = [(sighting, thing) for sighting, thing in unique if is_singular(thing) or not thing.count]
        return next((_yes(moment, thing.name, sighting, thing) for sighting, thing in found), None)
    seen = {thing.name: thing for _, thing in things_in(moment.seen)}
    model = seen[moment.rng.choice(sorted(seen))] if seen else None
    akin = [kind for kind in moment.kinds if model and kind.parent == model.parent]
    offered = akin if moment.rng.random() < 0.5 and akin else moment.kinds
    right = {kind.name for kind in moment.kinds if any(alike(kind, thing) for thing in seen.values())}
    asked = sorted({kind.name for kind in offered if kind.name not in right and not is_plural(kind.name)})
    return _no(moment, moment.rng.choice(asked)) if asked else None


def ask_class(moment: Moment) -> Turn | None:
    """Which animal it was, say, where one alone was seen."""
    for group in moment.rng.sample(moment.groups, len(moment.groups)):
        found = members(group, (thing for _, thing in things_in(moment.seen)))
        if found is None or len(found) != 1:
            continue
        (thing,) = found
        sighting = next(sighting for sighting in moment.seen if thing in sighting.facts.things)
        if thing.count < 2 and sighting is not moment.present:
            return which_of(moment, "past", group, sighting, thing)
    return None


def ask_order(moment: Moment) -> Turn | None:
    unique = moment.unique(moment.seen)
    for first_seen, first in unique:
        for then_seen, then in unique:
            if first_seen.start_us < then_seen.start_us:
                pair = [words_for(first)["thing"], words_for(then)["thing"]]
                moment.rng.shuffle(pair)
                question = moment.ask("order", thing=pair[0], other=pair[1])
                right, wrong = words_for(first)["thing"], words_for(then)["thing"]
                spans = (first_seen.span, then_seen.span)
                turn = moment.turn("order", question, f"the {right}", (right, f"the {right}"), spans)
                choices = tuple(f"The {name}." for name in pair)
                assert f"The {wrong}." in choices
                return Turn(turn.at_us, "order", turn.text, turn.replies, turn.evidence, choices)
    return None


def ask_when(moment: Moment) -> Turn | None:
    for sighting, thing in moment.unique(moment.past):
        if not is_singular(thing):
            continue
        time = format_time(sighting.start_us)
        question = moment.ask("when", **words_for(thing))
        others = [f"at {format_time(other.start_us)}" for other in moment.seen if other is not sighting]
        return moment.turn("when", question, f"at {time}", (time, f"at {time}"), (sighting.span,), others)
    return None


def ask_text(moment: Moment) -> Turn | None:
    """What the only sign said, or the one beside a thing."""
    signs = [sighting for sighting in moment.past if sighting.facts.text]
    if not signs:
        return None
    if len(signs) == 1 and not moment.present.facts.text:
        sign, question = signs[0], moment.ask("text")
    else:
        found = [(sighting, thing) for sighting, thing in moment.unique(moment.past) if sighting.facts.text]
        if not found:
            return None
        sign, question = found[0][0], moment.ask("text-with", **words_for(found[0][1]))
    text = sign.facts.text
    others = moment.rng.sample(words_like(text), 3)
    return moment.turn("text", question, text, (text, text.lower()), (sign.span,), others)


def ask_motion(moment: Moment) -> Turn | None:
    for sighting, thing in moment.unique(moment.past):
        if sighting.motion and is_singular(thing):
            question = moment.ask("motion", **words_for(thing))
            answer, others = WAY_PHRASES[sighting.motion], WAY_PHRASES.values()
            accepted = (answer, sighting.motion)
            return moment.turn("motion", question, answer, accepted, (sighting.span,), others)
    return None


def _simple(sighting: Sighting) -> bool:
    return len(sighting.facts.things) + bool(sighting.facts.text) <= 2


def _neighbour(moment: Moment, kind: str, step: int) -> Turn | None:
    for sighting, thing in moment.unique(moment.seen if step < 0 else moment.past):
        index = moment.seen.index(sighting) + step
        if 0 <= index < len(moment.seen) and _simple(moment.seen[index]):
            other = moment.seen[index]
            question = moment.ask(kind, **words_for(thing))
            return _what(moment, question, other, (sighting.span, other.span))
    return None


def _what(moment: Moment, question: str, sighting: Sighting, evidence: tuple[tuple[int, int], ...]) -> Turn:
    answer, accepted = describe(sighting.facts)
    things = sighting.facts.things
    alone = len(things) == 1 and not sighting.facts.text and things[0].count == 1
    others = wrong_things(moment, things[0]) if alone else []
    return moment.turn("past", question, answer, accepted, evidence, others)


def _name(
    moment: Moment,
    topic: str,
    question: str,
    sighting: Sighting,
    name: str,
    evidence: tuple[tuple[int, int], ...],
) -> Turn:
    thing = sighting.thing(name)
    assert thing is not None
    assert topic == "place"
    accepted = wordings(thing)
    others = wrong_things(moment, thing) if thing.count == 1 else []
    return moment.turn("place", question, phrase(thing), accepted, evidence, others)


def _yes(moment: Moment, name: str, sighting: Sighting, thing: Thing) -> Turn:
    question = moment.ask("seen", a_thing=any_of(name))
    answer = f"yes, {phrase(thing, coloured=False)} at {format_time(sighting.start_us)}"
    return moment.turn("past", question, answer, ("yes",), (sighting.span,))


def _no(moment: Moment, name: str) -> Turn:
    question = moment.ask("seen", a_thing=any_of(name))
    return moment.turn("past", question, f"no, there was no {name}", ("no",), ())


def _seen_class(moment: Moment) -> Turn | None:
    groups = moment.groups
    moment.rng.shuffle(groups)
    wanted = moment.rng.random() < _YES_SHARE
    for group in groups:
        found = members(group, (thing for _, thing in things_in(moment.seen)))
        if found is None or bool(found) != wanted:
            continue
        if not found:
            return _no(moment, group)
        sighting = next(sighting for sighting in moment.seen if found[0] in sighting.facts.things)
        if len(found) == 1 and sighting is not moment.present:
            return _yes(moment, group, sighting, found[0])
    return None
