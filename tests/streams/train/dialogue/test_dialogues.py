"""Every reply follows from the facts of the frames, worked out here again from the frames alone."""

import re
from itertools import groupby, pairwise

import pytest

from streams.train.dialogue.classes import ALIKE, COVERS, DOUBTFUL
from streams.train.dialogue.compose import make_dialogues
from streams.train.dialogue.phrases import CHAT, PHRASES
from streams.train.dialogue.wording import NUMBERS, PLACE_PHRASES, WAY_PHRASES, any_of
from streams.train.pictures.pool import PicturePool
from streams.train.pictures.vocabulary import NOUNS, plural
from streams.types import format_time

SPLITS = ("train", "validation", "test")
FILLED = {"time": r"[\d:]+", "word": r"(?-i:[A-Z\d]+)", "side": "to the left of|to the right of|above|below"}


def pattern(phrase):
    """A phrase as what its words can be found back with."""

    def group(match):
        return f"(?P<{match[1]}>(?i:{FILLED.get(match[1].lower(), '.+?')}))"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", group, re.escape(phrase)))


PATTERNS = {key: [pattern(phrase) for phrase in phrases] for key, phrases in PHRASES.items()}


@pytest.fixture(scope="module", params=SPLITS)
def made(request, materials):
    pool = PicturePool(materials[request.param], 1500)
    return request.param, pool, list(make_dialogues(request.param, pool.facts, pool.shots, 160, seed=3))


def turns_of(made, *topics):
    return [(dialogue, turn) for dialogue in made[2] for turn in dialogue.turns if turn.topic in topics]


def shots_of(dialogue):
    """Runs of frames that show the same: (first pts, last pts, frames)."""
    runs = [list(run) for _, run in groupby(dialogue.frames, key=lambda f: (f.facts.things, f.facts.text))]
    return [(run[0].pts_us, run[-1].pts_us, run) for run in runs]


def until(dialogue, at_us):
    return [frame for frame in dialogue.frames if frame.pts_us <= at_us]


def read(split, turn, *kinds):
    """What the phrase was filled in with, by each phrase that fits."""
    return [
        match.groupdict()
        for kind in kinds
        for pattern in PATTERNS[kind, split]
        if (match := pattern.fullmatch(turn.text))
    ]


def named(words):
    """The noun that is meant by what ``thing``, ``things`` or ``a_thing`` was filled in with."""
    for noun in NOUNS:
        if noun == words.get("thing") or any_of(noun) == words.get("a_thing"):
            return noun
        if plural(noun) in (words.get("things"), words.get("thing")):
            return noun
    return None


def showing(frames, name):
    """The things called ``name`` or that are called by that name too."""
    return [
        (frame, thing)
        for frame in frames
        for thing in frame.facts.things
        if thing.name == name or thing.name in COVERS.get(name, ())
    ]


def asked_thing(split, dialogue, turn, *kinds):
    """The only thing that the question can mean, and its frames until it was asked."""
    seen = until(dialogue, turn.at_us)
    if read(split, turn, *(kind for kind in kinds if kind.endswith("-now"))):
        start_us = max(start for start, _, _ in shots_of(dialogue) if start <= turn.at_us)
        seen = [frame for frame in seen if frame.pts_us >= start_us]
    for words in read(split, turn, *kinds):
        if (name := named(words)) is not None:
            found = showing(seen, name)
            assert found, turn
            assert len({(thing, frame.facts.text) for frame, thing in found}) == 1, turn
            starts = {
                start for start, end, _ in shots_of(dialogue) for f, _ in found if start <= f.pts_us <= end
            }
            assert len(starts) == 1, turn
            return found[0][1], [frame for frame, _ in found]
    raise AssertionError(f"{turn.text} names nothing")


def asked_class(split, turn):
    """The class that is asked for one of, if that is asked."""
    found = [words["group"] for words in read(split, turn, "class", "class-now")]
    return next((group for group in found if group in DOUBTFUL), None)


def answer_of(turn):
    (reply,) = turn.replies
    return reply.text.rstrip(".").lower()


def test_times_are_in_order_and_frames_are_of_the_pool(made):
    _, pool, dialogues = made
    for dialogue in dialogues:
        times = [frame.pts_us for frame in dialogue.frames]
        assert times == sorted(set(times))
        assert 12 <= len(times) <= 40
        asked = [turn.at_us for turn in dialogue.turns]
        assert asked == sorted(set(asked))
        assert not set(asked[1:]) & set(times)
        assert 0 <= times[-1] < dialogue.end_us <= 3700 * 10**6
        for frame in dialogue.frames:
            assert frame.facts.things == pool.facts[frame.picture].things
            assert frame.facts.text == pool.facts[frame.picture].text
            assert frame.facts.motion in ("", pool.facts[frame.picture].motion)


def test_questions_are_answered_at_once_and_evidence_lies_before(made):
    for dialogue, turn in turns_of(
        made, *["now", "past", "colour", "place", "count", "order", "when", "text", "motion", "chat"]
    ):
        (reply,) = turn.replies
        assert reply.at_us == turn.at_us
        for start, end in turn.evidence:
            assert start <= end <= turn.at_us
            assert {start, end} <= {frame.pts_us for frame in dialogue.frames}
        assert not turn.choices or reply.text in turn.choices
        assert len(turn.choices) == len(set(turn.choices))
        assert len(turn.choices) in ((2,) if turn.topic == "order" else (0, 4))
        wrong = [choice for choice in turn.choices if choice != reply.text]
        assert not {choice.rstrip(".").lower() for choice in wrong} & {a.lower() for a in reply.accepted}


def covers(turn, frames):
    return all(any(start <= frame.pts_us <= end for start, end in turn.evidence) for frame in frames)


def test_colours_are_those_of_the_only_thing_meant(made):
    for dialogue, turn in turns_of(made, "colour"):
        thing, frames = asked_thing(made[0], dialogue, turn, "colour", "colour-now")
        assert answer_of(turn) == thing.colour
        assert covers(turn, frames)


def test_counts(made):
    for dialogue, turn in turns_of(made, "count"):
        thing, frames = asked_thing(made[0], dialogue, turn, "count", "count-now")
        assert answer_of(turn) == NUMBERS[thing.count]
        assert covers(turn, frames)


def test_places(made):
    sides = {"to the left of": "right", "to the right of": "left", "above": "bottom", "below": "top"}
    for dialogue, turn in turns_of(made, "place"):
        thing, frames = asked_thing(made[0], dialogue, turn, "place", "place-now", "beside")
        assert covers(turn, frames)
        beside = [words for words in read(made[0], turn, "beside") if "side" in words or "Side" in words]
        if not beside:
            assert answer_of(turn) == PLACE_PHRASES[thing.place]
            continue
        side = next(words.get("side") or words["Side"].lower() for words in beside if named(words))
        other = next(other for other in frames[0].facts.things if other.name != thing.name)
        assert sides[side] == thing.place
        assert other.name in answer_of(turn) or plural(other.name) in answer_of(turn)


def test_motion(made):
    for dialogue, turn in turns_of(made, "motion"):
        _, frames = asked_thing(made[0], dialogue, turn, "motion", "motion-now")
        assert {WAY_PHRASES[f.facts.motion] for f in frames if f.facts.motion} == {answer_of(turn)}
        assert covers(turn, frames)


def test_when(made):
    for dialogue, turn in turns_of(made, "when"):
        _, frames = asked_thing(made[0], dialogue, turn, "when")
        assert answer_of(turn) == f"at {format_time(frames[0].pts_us)}"
        assert covers(turn, frames)


def test_order(made):
    for dialogue, turn in turns_of(made, "order"):
        seen = until(dialogue, turn.at_us)
        words = next(w for w in read(made[0], turn, "order") if named(w) and named({"thing": w["other"]}))
        starts = {}
        for key in ("thing", "other"):
            found = showing(seen, named({"thing": words[key]}))
            starts[words[key]] = found[0][0].pts_us
            assert covers(turn, [frame for frame, _ in found])
        assert answer_of(turn) == f"the {min(starts, key=starts.__getitem__)}".lower()


def test_text(made):
    for dialogue, turn in turns_of(made, "text"):
        seen = until(dialogue, turn.at_us)
        (span,) = turn.evidence
        within = {frame.facts.text for frame in seen if span[0] <= frame.pts_us <= span[1]}
        assert within == {turn.replies[0].text.rstrip(".")}
        if read(made[0], turn, "text") and not read(made[0], turn, "text-with", "text-now"):
            assert {frame.facts.text for frame in seen if frame.facts.text} == within


def test_one_of_a_class_is_the_only_one(made):
    asked = {"past": 0, "now": 0}
    for dialogue, turn in turns_of(made, *asked):
        group = asked_class(made[0], turn)
        if group is None:
            continue
        asked[turn.topic] += 1
        shots = [shot for shot in shots_of(dialogue) if shot[0] <= turn.at_us]
        shots = shots[-1:] if turn.topic == "now" else shots
        names = [thing.name for shot in shots for thing in shot[2][0].facts.things]
        assert not DOUBTFUL[group] & set(names)
        (name,) = [name for name in names if group in NOUNS[name].classes]
        assert answer_of(turn) == any_of(name).lower()
        found = showing([frame for shot in shots for frame in shot[2]], name)
        assert covers(turn, [frame for frame, _ in found if frame.pts_us <= turn.at_us])
        assert group not in turn.replies[0].accepted
        wrong = [choice for choice in turn.choices if choice != turn.replies[0].text]
        offered = {noun for noun in NOUNS if f"{any_of(noun)}.".lower() in [c.lower() for c in wrong]}
        assert len(offered) == len(wrong)
        assert all(group in NOUNS[noun].classes and noun not in ALIKE.get(name, ()) for noun in offered)
        assert not offered & DOUBTFUL[group]
    assert min(asked.values()) > 5


def test_now_is_the_last_frame(made):
    for dialogue, turn in turns_of(made, "now"):
        if asked_class(made[0], turn) is not None:
            continue
        facts = until(dialogue, turn.at_us)[-1].facts
        answer = answer_of(turn)
        assert all(t.name.lower() in answer or plural(t.name) in answer for t in facts.things)
        assert facts.text.lower() in answer


def test_yes_and_no_are_right_and_balanced(made):
    counts = {"yes": 0, "no": 0}
    for dialogue, turn in turns_of(made, "past"):
        answer = answer_of(turn).partition(",")[0]
        if answer not in counts:
            continue
        counts[answer] += 1
        seen = until(dialogue, turn.at_us)
        names = {thing.name for frame in seen for thing in frame.facts.things}
        asked = {words["a_thing"] for words in read(made[0], turn, "seen")}
        known = [name for name in (*NOUNS, *DOUBTFUL) if any_of(name) in asked]
        assert known
        groups = [group for group in known if group in DOUBTFUL]
        meant = {name for name in names if name in known or set(groups) & set(NOUNS[name].classes)}
        assert (answer == "yes") == bool(meant), turn
        if answer == "no":
            assert not any(names & ALIKE.get(name, frozenset()) for name in known)
        assert not any(names & DOUBTFUL[group] for group in groups)
    assert 0.35 < counts["yes"] / sum(counts.values()) < 0.65


def test_what_was_before_after_and_at_a_time(made):
    for dialogue, turn in turns_of(made, "past"):
        if answer_of(turn).partition(",")[0] in ("yes", "no") or asked_class(made[0], turn) is not None:
            continue
        shots = [shot for shot in shots_of(dialogue) if shot[0] <= turn.at_us]
        step, kinds = (-1, ["before"]) if read(made[0], turn, "before") else (1, ["after"])
        if read(made[0], turn, "before", "after"):
            _, frames = asked_thing(made[0], dialogue, turn, *kinds)
            index = next(i for i, shot in enumerate(shots) if shot[0] == frames[0].pts_us) + step
            assert covers(turn, frames)
        elif times := [words["time"] for words in read(made[0], turn, "at")]:
            hit = {i for i, s in enumerate(shots) for f in s[2] if format_time(f.pts_us) == times[0]}
            (index,) = hit
        else:
            index = 0
        facts = shots[index][2][0].facts
        answer = answer_of(turn)
        assert all(t.name.lower() in answer or plural(t.name).lower() in answer for t in facts.things), turn
        assert facts.text.lower() in answer


def test_all_that_is_new_is_narrated_and_nothing_else(made):
    for dialogue, turn in turns_of(made, "narration"):
        due = [shot for shot in shots_of(dialogue) if shot[0] > turn.at_us]
        assert [reply.at_us for reply in turn.replies] == [shot[0] for shot in due]
        for reply, (_, _, frames) in zip(turn.replies, due, strict=True):
            facts, said = frames[0].facts, reply.text.lower()
            assert all(t.name.lower() in said or plural(t.name).lower() in said for t in facts.things)
            assert facts.text.lower() in said


def test_no_alert_is_missing_late_or_false(made):
    heard = {True: 0, False: 0}
    for dialogue, turn in turns_of(made, "alert"):
        coming = [shot for shot in shots_of(dialogue) if shot[0] > turn.at_us]
        now = until(dialogue, turn.at_us)[-1:]
        words = read(made[0], turn, "alert-text-once")
        words = [w for w in words if w["word"].isupper() or w["word"].isdigit()]
        once = bool(words) or bool(read(made[0], turn, "alert-once"))
        if words:
            due = [shot for shot in coming if shot[2][0].facts.text == words[0]["word"]]
            assert not now or not now[0].facts.text
        else:
            kind = "alert-once" if once else "alert-every"
            filled = [w.get("a_thing") or any_of(w["thing"]) for w in read(made[0], turn, kind)]
            known = [name for name in (*NOUNS, *DOUBTFUL) if any_of(name) in filled]
            assert known, turn
            groups = {*known} & {*DOUBTFUL}
            hits = [
                any(t.name in known or groups & {*NOUNS[t.name].classes} for t in frames[0].facts.things)
                for _, _, frames in coming
            ]
            due = [shot for shot, hit in zip(coming, hits, strict=True) if hit]
            assert not any(t.name in known for frame in now for t in frame.facts.things)
            assert not any(one and other for one, other in pairwise(hits))
        expected = [shot[0] for shot in due][: 1 if once else None]
        assert [reply.at_us for reply in turn.replies] == expected, turn
        assert turn.evidence == tuple((shot[0], shot[1]) for shot in due[: len(expected)])
        heard[bool(expected)] += 1
    assert heard[True] > heard[False] > 0


def test_talk_is_of_the_split(made):
    for _, turn in turns_of(made, "chat"):
        assert (turn.text, turn.replies[0].text) in CHAT[made[0]]


def test_the_same_seed_is_the_same_dialogue(materials):
    pool = PicturePool(materials["test"], 600)
    first, again, other = (
        list(make_dialogues("test", pool.facts, pool.shots, 5, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_too_few_shots_are_refused(materials):
    pool = PicturePool(materials["test"], 4)
    with pytest.raises(ValueError, match="too few for a stream"):
        list(make_dialogues("test", pool.facts, pool.shots, 1))
