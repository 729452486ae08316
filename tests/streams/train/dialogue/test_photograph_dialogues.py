"""Streams of the photographs of the test: what is asked follows from their labels, and is never ambiguous."""

import re
from itertools import groupby
from pathlib import Path

import pytest

from streams.train.dialogue.classes import DOUBTFUL, alike, could_mean, is_of, members
from streams.train.dialogue.compose import make_dialogues
from streams.train.dialogue.phrases import PHRASES
from streams.train.dialogue.wording import any_of, phrase, wordings
from streams.train.pictures.photograph_pool import PhotographPool
from streams.train.pictures.photographs import PHOTOGRAPHS, Photograph
from streams.train.pictures.vocabulary import plural
from streams.train.sample import Thing
from streams.types import format_time

TEST = [photograph for photograph in PHOTOGRAPHS if photograph.split == "test"]
POOL = PhotographPool([(photograph, Path(photograph.file)) for photograph in TEST])
KINDS = {thing for facts in POOL.facts for thing in facts.things}
NAMES = {thing.name for thing in KINDS}


@pytest.fixture(scope="module")
def made():
    return list(make_dialogues("test", POOL.facts, POOL.shots, 150, seed=4, frames=(24, 60)))


def turns_of(made, *topics):
    return [(dialogue, turn) for dialogue in made for turn in dialogue.turns if turn.topic in topics]


def shots_until(dialogue, at_us):
    """What was seen by then: (first pts, last pts, thing)."""
    frames = [frame for frame in dialogue.frames if frame.pts_us <= at_us]
    runs = [list(run) for _, run in groupby(frames, key=lambda frame: frame.facts.things)]
    return [(run[0].pts_us, run[-1].pts_us, run[0].facts.things[0]) for run in runs]


def said_of(thing):
    return {*thing.names, *thing.classes, *thing.besides}


def read(turn, kind):
    """What a phrase of ``kind`` was filled in with, None where none fits."""
    for said in PHRASES[kind, "test"]:
        match = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(said)), turn.text)
        if match:
            return match.groupdict()
    return None


def meant(words):
    return next(name for name in NAMES if words in (name, plural(name), any_of(name)))


def only(shots, name):
    """The number of the only shot of which ``name`` may be said."""
    (number,) = [number for number, (_, _, thing) in enumerate(shots) if name in said_of(thing)]
    assert shots[number][2].name == name
    return number


def names_all(turn, thing):
    (reply,) = turn.replies
    assert reply.text.rstrip(".").lower() == phrase(thing)
    assert {*thing.names, *map(any_of, thing.names)} <= set(reply.accepted)
    assert not {*thing.classes} - {*thing.names} & set(reply.accepted)
    assert not turn.choices or thing.count == 1
    for choice in turn.choices:
        if choice != reply.text:
            assert meant(choice.rstrip(".").lower()) not in said_of(thing)
            assert meant(choice.rstrip(".").lower()) not in {*thing.names}


def test_nothing_is_asked_that_nobody_labelled(made):
    topics = {turn.topic for dialogue in made for turn in dialogue.turns}
    assert topics >= {"now", "past", "order", "when", "alert", "narration"}
    assert not topics & {"colour", "place", "count", "text", "motion"}


def test_what_is_in_view_is_called_by_any_of_its_names(made):
    for dialogue, turn in turns_of(made, "now"):
        _, _, thing = shots_until(dialogue, turn.at_us)[-1]
        names_all(turn, thing)
        words = read(turn, "class-now")
        assert words is None or words["group"] in thing.classes


def test_what_is_told_before_and_after_is_next_to_the_only_one_meant(made):
    found = 0
    for dialogue, turn in turns_of(made, "past"):
        shots = shots_until(dialogue, turn.at_us)
        for kind, step in (("before", -1), ("after", 1)):
            if words := read(turn, kind):
                names_all(turn, shots[only(shots, meant(words["thing"])) + step][2])
                found += 1
        if words := read(turn, "at"):
            hit = [s for s in shots if format_time(s[0]) <= words["time"] <= format_time(s[1])]
            assert len(hit) == 1
            names_all(turn, hit[0][2])
        if read(turn, "first"):
            names_all(turn, shots[0][2])
    assert found > 30


def test_one_of_a_class_is_the_only_one(made):
    found = 0
    for dialogue, turn in turns_of(made, "past"):
        if words := read(turn, "class"):
            of_it = [each for each in shots_until(dialogue, turn.at_us) if words["group"] in said_of(each[2])]
            ((start_us, end_us, thing),) = of_it
            assert turn.evidence == ((start_us, end_us),)
            names_all(turn, thing)
            found += 1
    assert found > 10


def test_when_and_which_first_are_of_the_only_one_meant(made):
    for dialogue, turn in turns_of(made, "when", "order"):
        shots = shots_until(dialogue, turn.at_us)
        if words := read(turn, "when"):
            start_us, _, _ = shots[only(shots, meant(words["thing"]))]
            assert turn.replies[0].text == f"At {format_time(start_us)}."
        else:
            words = read(turn, "order")
            numbers = [only(shots, meant(words[key])) for key in ("thing", "other")]
            first = words["thing"] if numbers[0] < numbers[1] else words["other"]
            assert turn.replies[0].text == f"The {first}."


def test_yes_is_of_the_only_one_and_no_of_what_may_be_said_of_none(made):
    answers = {"yes": 0, "no": 0}
    for dialogue, turn in turns_of(made, "past"):
        if (words := read(turn, "seen")) is None:
            continue
        shots = shots_until(dialogue, turn.at_us)
        asked = next(name for name in (*NAMES, *DOUBTFUL) if any_of(name) == words["a_thing"])
        hits = [each for each in shots if asked in said_of(each[2])]
        (answer,) = turn.replies[0].accepted
        answers[answer] += 1
        assert len(hits) == (answer == "yes"), turn
        if answer == "no" and asked in NAMES:
            kinds = [kind for kind in KINDS if kind.name == asked]
            assert not any(alike(kind, thing) for kind in kinds for _, _, thing in shots)
        if hits:
            assert phrase(hits[0][2]) in turn.replies[0].text
    assert min(answers.values()) > 10


def test_alerts_are_due_at_all_that_is_meant(made):
    heard = 0
    for dialogue, turn in turns_of(made, "alert"):
        words = read(turn, "alert-once") or read(turn, "alert-every")
        asked = next(name for name in (*NAMES, *DOUBTFUL) if any_of(name) == words["a_thing"])
        coming = [each for each in shots_until(dialogue, dialogue.end_us) if each[0] > turn.at_us]
        due = [start_us for start_us, _, thing in coming if asked in said_of(thing)]
        once = read(turn, "alert-every") is None
        assert [reply.at_us for reply in turn.replies] == (due[:1] if once else due)
        heard += bool(due)
    assert heard > 10


def test_likeness_is_of_names_classes_and_what_else_is_seen():
    def labelled(names, classes, besides=(), several=False):
        return Photograph("test", "", "", names, classes, besides, several).thing

    dog = labelled(("dog", "boxer"), ("animal",), ("shoe",))
    dalmatian = labelled(("dalmatian", "dog"), ("animal",))
    eagle = labelled(("eagle",), ("bird", "animal"))
    birds = labelled(("bird", "stork"), ("animal",), several=True)
    shoe = labelled(("shoe",), ("clothing",))
    assert alike(dog, dalmatian)
    assert could_mean(dalmatian, dog)
    assert alike(eagle, birds)
    assert alike(dog, shoe)
    assert not alike(dog, eagle)
    assert not could_mean(shoe, eagle)
    assert is_of("animal", dog)
    assert is_of("bird", birds) is None
    assert members("bird", [dog, eagle]) == (eagle,)
    assert phrase(birds) == "birds"
    assert {"a bird", "storks"} <= set(wordings(birds))


def test_what_the_vocabulary_lacks_is_worded_by_its_name():
    quokka = Thing("quokka", "animal")
    assert phrase(quokka) == "a quokka"
    assert any_of("ibis") == "an ibis"
    assert any_of("food") == "food"
    assert is_of("animal", quokka)
    assert not is_of("bird", quokka)
    assert wordings(quokka) == ("a quokka", "quokka")
