"""Standing requests: tell me when, let me know whenever, tell me all. Answered at the frames that are due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from streams.train.dialogue.classes import alike, could_mean, members
from streams.train.dialogue.moment import Moment, is_plural
from streams.train.dialogue.timeline import Sighting, Timeline, things_in
from streams.train.dialogue.wording import any_of, describe, phrase, sentence, wordings
from streams.train.sample import Reply, Thing, Turn


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
    shown = [thing for _, thing in things_in(coming)]
    now = moment.present.facts.things if moment.seen else ()
    absent = [kind for kind in moment.kinds if all(kind.name != thing.name for thing in shown)]
    comes = bool(shown) and moment.rng.random() < 0.8
    wanted = moment.rng.choice(shown if comes else absent)
    name, meant = wanted.name, could_mean if wanted in shown else alike
    others = [thing for thing in (*shown, *now) if thing.name != name]
    if any(thing.name == name for thing in now) or any(meant(wanted, other) for other in others):
        return None
    if is_plural(name):
        return None
    return _standing(moment, coming, any_of(name), name, lambda sighting: sighting.thing(name))


def _alert_class(moment: Moment, coming: Sequence[Sighting]) -> Turn | None:
    group = moment.rng.choice(moment.groups)
    shown = [thing for _, thing in things_in((*moment.seen[-1:], *coming))]
    present = moment.seen[-1].facts.things if moment.seen else ()
    if members(group, shown) is None or members(group, present):
        return None

    def found(sighting: Sighting) -> Thing | None:
        there = members(group, sighting.facts.things)
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
    found: Callable[[Sighting], Thing | None],
) -> Turn:
    once = moment.rng.random() < 0.5
    question = moment.ask("alert-once" if once else "alert-every", a_thing=a_thing, thing=thing)
    replies: list[Reply] = []
    spans: list[tuple[int, int]] = []
    for sighting in coming:
        there = found(sighting)
        if there is None or (once and replies):
            continue
        accepted = dict.fromkeys((*wordings(there), thing, a_thing))
        replies.append(Reply(sighting.start_us, sentence(phrase(there)), tuple(accepted)))
        spans.append(sighting.span)
    return Turn(moment.at_us, "alert", question, tuple(replies), tuple(spans))
