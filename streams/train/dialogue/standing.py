"""Standing requests: tell me when, let me know whenever, tell me all. Answered at the frames that are due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from streams.train.dialogue.classes import ALIKE, COVERS, DOUBTFUL, members
from streams.train.dialogue.moment import Moment, is_plural
from streams.train.dialogue.timeline import Sighting, Timeline
from streams.train.dialogue.wording import any_of, describe, narrow_class, phrase, sentence
from streams.train.pictures.vocabulary import NOUNS
from streams.train.sample import Reply, Turn


def narrate(moment: Moment, timeline: Timeline) -> Turn:
    """A request to tell all: a reply at the first frame of each sighting that begins after it."""
    coming = [sighting for sighting in timeline.sightings if sighting.start_us > moment.at_us]
    replies = [Reply(sighting.start_us, *describe(sighting.facts)) for sighting in coming]
    spans = [sighting.span for sighting in coming]
    return Turn(moment.at_us, "narration", moment.ask("narration"), tuple(replies), tuple(spans))


def alert(moment: Moment, timeline: Timeline) -> Turn | None:
    """A request to tell when one kind of thing, or of a class, or a word on a sign comes.

    Mostly it comes, else there is silence to the end. What is there already is not asked for, nor
    what could be taken for it, and a class not where it is doubtful who is in it.
    """
    coming = [sighting for sighting in timeline.sightings if sighting.start_us > moment.at_us]
    draw = moment.rng.random()
    if draw < 0.15:
        return _alert_text(moment, coming)
    return _alert_class(moment, coming) if draw < 0.4 else _alert_thing(moment, coming)


def _alert_thing(moment: Moment, coming: Sequence[Sighting]) -> Turn | None:
    shown = [thing.name for sighting in coming for thing in sighting.facts.things]
    now = [thing.name for thing in moment.present.facts.things] if moment.seen else []
    wanted = shown if shown and moment.rng.random() < 0.8 else sorted(set(NOUNS) - set(shown))
    name = moment.rng.choice(wanted)
    akin = COVERS.get(name, frozenset()) if name in shown else ALIKE.get(name, frozenset())
    if name in now or akin & {*shown, *now} or is_plural(name):
        return None

    def found(sighting: Sighting) -> str | None:
        return name if sighting.thing(name) else None

    return _standing(moment, coming, any_of(name), name, found)


def _alert_class(moment: Moment, coming: Sequence[Sighting]) -> Turn | None:
    group = moment.rng.choice(list(DOUBTFUL))
    names = [thing.name for sighting in (*moment.seen[-1:], *coming) for thing in sighting.facts.things]
    present = moment.seen[-1].facts.things if moment.seen else ()
    if members(group, names) is None or members(group, [thing.name for thing in present]):
        return None

    def found(sighting: Sighting) -> str | None:
        there = members(group, [thing.name for thing in sighting.facts.things])
        return there[0] if there else None

    # Of two that follow on one another it cannot be said whether the second is news.
    hits = [found(sighting) is not None for sighting in coming]
    if any(one and other for one, other in pairwise(hits)):
        return None
    return _standing(moment, coming, any_of(group), group, found)


def _alert_text(moment: Moment, coming: Sequence[Sighting]) -> Turn | None:
    shown = [sighting.facts.text for sighting in coming if sighting.facts.text]
    if not shown or (moment.seen and moment.present.facts.text):
        return None
    word = moment.rng.choice(shown)
    due = next(sighting for sighting in coming if sighting.facts.text == word)
    answer = f"the sign says {word}"
    reply = Reply(due.start_us, sentence(answer), (answer, word))
    question = moment.ask("alert-text-once", word=word)
    return Turn(moment.at_us, "alert", question, (reply,), (due.span,))


def _standing(
    moment: Moment,
    coming: Sequence[Sighting],
    a_thing: str,
    thing: str,
    found: Callable[[Sighting], str | None],
) -> Turn:
    once = moment.rng.random() < 0.5
    question = moment.ask("alert-once" if once else "alert-every", a_thing=a_thing, thing=thing)
    replies: list[Reply] = []
    spans: list[tuple[int, int]] = []
    for sighting in coming:
        name = found(sighting)
        if name is None or (once and replies):
            continue
        there = sighting.thing(name)
        assert there is not None
        accepted = [phrase(there), phrase(there, coloured=False), name, thing, a_thing]
        group = narrow_class(name)
        replies.append(
            Reply(
                sighting.start_us,
                sentence(phrase(there)),
                tuple(dict.fromkeys((*accepted, group) if group else accepted)),
            )
        )
        spans.append(sighting.span)
    return Turn(moment.at_us, "alert", question, tuple(replies), tuple(spans))
