"""Questions about what is seen now."""

from __future__ import annotations

from streams.train.dialogue.classes import members
from streams.train.dialogue.moment import Moment, is_singular, which_of, words_for, words_like, wrong_things
from streams.train.dialogue.wording import NUMBERS, PLACE_PHRASES, WAY_PHRASES, describe
from streams.train.pictures.vocabulary import COLOURS, plural
from streams.train.sample import Turn


def ask_now(moment: Moment) -> Turn | None:
    answer, accepted = describe(moment.present.facts)
    things = moment.present.facts.things
    alone = len(things) == 1 and not moment.present.facts.text and things[0].count == 1
    others = wrong_things(moment, things[0]) if alone else []
    return moment.turn("now", moment.ask("now"), answer, accepted, (moment.present.span,), others)


def ask_colour_now(moment: Moment) -> Turn | None:
    coloured = (thing for thing in moment.present.facts.things if thing.colour and is_singular(thing))
    thing = next(coloured, None)
    if thing is None or thing.colour is None:
        return None
    question = moment.ask("colour-now", **words_for(thing))
    accepted = (thing.colour,)
    return moment.turn("colour", question, thing.colour, accepted, (moment.present.span,), COLOURS)


def ask_place_now(moment: Moment) -> Turn | None:
    placed = [thing for thing in moment.present.facts.things if thing.place and is_singular(thing)]
    if not placed:
        return None
    thing = moment.rng.choice(placed)
    question = moment.ask("place-now", **words_for(thing))
    answer = PLACE_PHRASES[thing.place]
    evidence = (moment.present.span,)
    return moment.turn("place", question, answer, (answer, thing.place), evidence, PLACE_PHRASES.values())


def ask_count_now(moment: Moment) -> Turn | None:
    thing = next((thing for thing in moment.present.facts.things if thing.count > 1), None)
    if thing is None:
        return None
    question = moment.ask("count-now", **words_for(thing))
    number = NUMBERS[thing.count]
    accepted = (number, str(thing.count), f"{number} {plural(thing.name)}")
    return moment.turn("count", question, number, accepted, (moment.present.span,), NUMBERS[1:])


def ask_class_now(moment: Moment) -> Turn | None:
    """Which animal is in view, say, where there is one."""
    sighting = moment.present
    for group in moment.rng.sample(moment.groups, len(moment.groups)):
        found = members(group, sighting.facts.things)
        if found is not None and len(found) == 1 and found[0].count < 2:
            return which_of(moment, "now", group, sighting, found[0])
    return None


def ask_text_now(moment: Moment) -> Turn | None:
    text = moment.present.facts.text
    if not text:
        return None
    question = moment.ask("text-now")
    others = moment.rng.sample(words_like(text), 3)
    return moment.turn("text", question, text, (text, text.lower()), (moment.present.span,), others)


def ask_motion_now(moment: Moment) -> Turn | None:
    way = moment.present.motion
    thing = next(iter(moment.present.facts.things), None)
    if not way or thing is None or not moment.present.frames[-1].facts.motion or not is_singular(thing):
        return None
    question = moment.ask("motion-now", **words_for(thing))
    answer, others = WAY_PHRASES[way], WAY_PHRASES.values()
    return moment.turn("motion", question, answer, (answer, way), (moment.present.span,), others)
