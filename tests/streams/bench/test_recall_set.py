import re
from collections import Counter

import pytest

from memory.recall.span import parse_where
from streams.bench.recall_set import PROBES, SCRIPT, events, evidence_line
from streams.types import BlockKind

EVENTS = events()
NOW_US = EVENTS[-1].at_us
COMMON = """
a about an and any are as at be been between but by can could did do does down for from get go goes going got
had has have he her his house how i in into is it last lets may me more must my not of off on one or out say
says see seven she so some somebody something tell than that the there they to up use was we were what when
where which who whom why will with you your big small old
"""


def words(text):
    return {word.rstrip("s") for word in re.findall(r"[a-z]+", text.lower()) if word not in COMMON.split()}


def evidence(probe):
    return [event for event in EVENTS if event.line == evidence_line(probe)]


def test_the_stream_is_long_and_holds_every_kind():
    kinds = Counter(event.kind for event in EVENTS)
    assert len(EVENTS) >= 300
    assert kinds[BlockKind.FRAME] > 200
    assert min(kinds[BlockKind.UTTERANCE], kinds[BlockKind.REPLY]) >= 15
    assert [event.at_us for event in EVENTS] == sorted({event.at_us for event in EVENTS})


def test_the_halves_are_alike():
    halves = Counter(probe.half for probe in PROBES)
    assert min(halves.values()) >= 30
    for kind in (BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY):
        counts = Counter(probe.half for probe in PROBES if evidence(probe)[0].kind is kind)
        assert abs(counts["tune"] - counts["test"]) <= 4


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.question)
def test_one_moment_answers_and_the_question_does_not_give_it_away(probe):
    moment = evidence(probe)
    assert moment
    # A line is one stretch of the stream, and what the question says of time and kind admits all of it.
    where = parse_where(probe.question, NOW_US)
    for event in moment:
        assert (where.start_us or 0) <= event.at_us <= (where.end_us or NOW_US)
        assert where.kinds is None or event.kind in where.kinds
    same = [event for event in EVENTS if event.text == moment[0].text and event.line != moment[0].line]
    # Where the same is there twice, only one of them is at the time that is asked for.
    assert not any((where.start_us or 0) <= event.at_us <= (where.end_us or NOW_US) for event in same)
    assert not words(probe.question) & words(moment[0].text)


def test_questions_and_moments_are_used_once():
    assert len({probe.question for probe in PROBES}) == len(PROBES)
    assert len({evidence_line(probe) for probe in PROBES}) >= len(PROBES) - 8
    assert "  " not in SCRIPT
