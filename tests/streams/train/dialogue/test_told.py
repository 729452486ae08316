"""What people say to be remembered: the question's answer follows from what was said, and from that alone."""

import random
import re

import pytest

from streams.train.dialogue.told import ACKNOWLEDGED, FACTS, UNKNOWN, UNTOLD, tell

SPLITS = ("train", "validation", "test")
MOMENTS = tuple(range(1_000_000, 9_000_000, 1_000_000))


def told(split, count=300):
    return [tell(MOMENTS, split, random.Random(f"{split}/{number}")) for number in range(count)]


@pytest.mark.parametrize("split", SPLITS)
def test_what_is_asked_was_said_before_and_holds_the_answer(split):
    answered = 0
    for turns in told(split):
        said = {turn.at_us: turn for turn in turns if turn.topic in ("told", "overheard")}
        for turn in turns:
            if turn.topic != "heard" or turn.replies[0].text == UNKNOWN:
                continue
            ((at_us, end_us),) = turn.evidence
            assert at_us == end_us < turn.at_us == turn.replies[0].at_us
            statement = said[at_us].text.lower()
            fact = re.sub(r"^.* works", "works", turn.replies[0].accepted[-1].lower())
            assert fact in statement or all(part in statement for part in fact.split(" at ")), statement
            answered += 1
    assert answered > 100


@pytest.mark.parametrize("split", SPLITS)
def test_what_nobody_said_is_not_known(split):
    found = 0
    for turns in told(split):
        for turn in turns:
            if turn.replies and turn.replies[0].text == UNKNOWN:
                assert not turn.evidence
                found += 1
    assert found


@pytest.mark.parametrize("split", SPLITS)
def test_only_what_is_told_to_the_model_is_acknowledged(split):
    turns = [turn for each in told(split) for turn in each]
    assert {turn.topic for turn in turns} == {"told", "overheard", "heard"}
    for turn in turns:
        assert turn.text[0].isupper()
        assert "{" not in turn.text + "".join(r.text for r in turn.replies)
        if turn.topic == "told":
            assert [reply.text for reply in turn.replies] == [ACKNOWLEDGED]
        if turn.topic == "overheard":
            assert turn.replies == ()


def test_moments_are_used_once():
    for turns in told("train"):
        times = [turn.at_us for turn in turns]
        assert len(set(times)) == len(times)
        assert set(times) <= set(MOMENTS)


def test_no_question_is_in_two_splits():
    asked = {split: {fact.question for fact in FACTS[split]} | {*UNTOLD[split]} for split in SPLITS}
    assert not asked["train"] & asked["validation"]
    assert not asked["train"] & asked["test"]
    assert not asked["validation"] & asked["test"]


def test_two_facts_never_answer_one_question():
    for split in SPLITS:
        for turns in told(split):
            asked = [turn.text for turn in turns if turn.topic == "heard"]
            assert len(set(asked)) == len(asked)


def test_too_few_moments_tell_nothing():
    assert all(not tell((1_000_000,), "train", random.Random(seed)) for seed in range(20))
