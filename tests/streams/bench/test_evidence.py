import re
from itertools import pairwise
from random import Random

import pytest

from llm.answer import Answer
from llm.steps import run
from memory.codec.codecs import CODECS
from streams.bench import evidence
from streams.bench.evidence import measure, measure_codecs
from streams.bench.evidence_set import AGES_S, FACTS, PIECES, SUBJECTS, compose, scripts
from streams.bench.evidence_told import ANSWER_TOKENS, CaseReplies, Reply, Told, opened
from streams.types import US_PER_S, BlockKind


@pytest.fixture(scope="module")
def script():
    """Two facts, of which one is told a few seconds before it is asked for."""
    return compose([SUBJECTS[0], SUBJECTS[8]], [600, 5], Random(1), pieces=28)


@pytest.fixture(scope="module")
def memory(config):
    return config.memory


@pytest.fixture(scope="module")
def reader_and_shape(streams):
    return streams.backend.reader, streams.backend.memory_shape


@pytest.fixture(scope="module")
def told(reader_and_shape, memory, script):
    with opened(*reader_and_shape, memory) as open_stream:
        yield Told(open_stream("told"), script)


def words(text):
    return re.findall(r"\w+", text.lower())


# The set.


@pytest.mark.parametrize("seed", range(5))
def test_only_the_evidence_tells_a_value(seed):
    for script in scripts(24, seed):
        for case in script.cases:
            value = words(case.value)
            holding = [
                place for place, piece in enumerate(script.pieces) if Reply((), piece.text).holds(case.value)
            ]
            assert holding == [case.evidence]
            assert not set(value) <= set(words(case.question))
        assert len({case.value for case in script.cases}) == len(script.cases)
        assert len({case.question for case in script.cases}) == len(script.cases)


def test_evidence_is_as_old_as_it_is_said_to_be():
    for script in scripts(24):
        for case in script.cases:
            piece = script.pieces[case.evidence]
            assert piece.kind is BlockKind.UTTERANCE
            assert script.end_us - piece.at_us == pytest.approx(case.age_s * US_PER_S, rel=0.11)


def test_a_script_is_long_and_in_order_and_half_seen():
    for script in scripts(16):
        assert len(script.pieces) == PIECES
        assert all(before.at_us <= after.at_us for before, after in pairwise(script.pieces))
        assert script.pieces[0].at_us >= 0
        assert script.pieces[-1].at_us <= script.end_us
        seen = sum(piece.kind is BlockKind.FRAME for piece in script.pieces)
        assert abs(seen / PIECES - 0.5) < 0.05


@pytest.mark.parametrize("questions", [1, FACTS, FACTS + 1, 24])
def test_as_many_questions_as_wanted_at_every_age_in_turn(questions):
    cases = [case for script in scripts(questions) for case in script.cases]
    assert [case.age_s for case in cases] == [AGES_S[i % len(AGES_S)] for i in range(questions)]


def test_scripts_depend_on_the_seed_alone():
    assert [*scripts(24, 3)] == [*scripts(24, 3)]
    assert [*scripts(24, 3)] != [*scripts(24, 4)]


# The scoring.


@pytest.mark.parametrize(
    ("text", "value", "right"),
    [
        ("The code of the garage door is 4817.", "4817", True),
        ("The code of the garage door is 48171.", "4817", False),
        ("It is 39 king street, I think.", "39 King Street", True),
        ("It is 139 King Street.", "39 King Street", False),
        ("The day is Sunday.", "Monday", False),
        ("", "Monday", False),
    ],
)
def test_an_answer_is_right_when_it_holds_the_value_in_whole_words(text, value, right):
    assert Reply((), text).holds(value) is right


def asked(script, case, full, window, recall, oracle, *, outside=True, found=True):
    replies = {"full": full, "window": window, "recall": recall, "oracle": oracle}
    made = {name: Reply(tuple(text.encode()), text) for name, text in replies.items()}
    return CaseReplies(script.cases[case], made, outside, (1,), found)


def test_the_report_counts_by_age_and_outside_the_window(script, memory, monkeypatch):
    old, new = (case.value for case in script.cases)
    results = [
        asked(script, 0, old, "no", old, old),
        asked(script, 0, old, "no", f"{old}, yes", old),
        asked(script, 0, old, "no", "no", old, found=False),
        asked(script, 0, "no", "no", old, old),
        asked(script, 1, new, new, new, new, outside=False),
    ]
    monkeypatch.setattr(evidence, "ask_all", lambda *_, **__: results)
    chosen = memory.model_copy(update={"policy": "external"})
    report = measure(None, None, chosen, 5, lambda count: None)
    assert "by external," in report.notes[0]
    rows = {row["age"]: row for row in report.rows}
    assert list(rows) == ["5 s", "10 min", "outside window"]
    assert rows["outside window"] | {"age": "10 min"} == rows["10 min"]
    assert rows["10 min"] == {
        "age": "10 min",
        "questions": 4,
        "outside": 4,
        "right_full": 0.75,
        "right_window": 0.0,
        "right_recall": 0.75,
        "right_oracle": 1.0,
        "found": 0.75,
        "same_found": pytest.approx(1 / 3),
        "same_oracle": 0.75,
    }
    assert rows["5 s"]["right_window"] == 1
    assert rows["5 s"]["outside"] == 0
    assert rows["5 s"]["found"] is None
    assert {column.key for column in report.columns} == set(rows["5 s"])
    assert "rightly: 3 of 4. It was found for 2 of these, with 2 answers right and 1" in report.notes[1]


# The model itself.


def test_full_attention_recall_and_the_evidence_tell_and_the_window_does_not(told):
    old, new = (told.ask(case) for case in told.script.cases)
    assert (old.outside, new.outside) == (True, False)
    assert new.found
    assert all(new.right(name) for name in new.replies)
    assert [name for name in old.replies if not old.right(name)] == ["window"]
    assert old.found
    assert told.block_ids[old.case.evidence] in old.recalled
    assert old.same("recall")


def test_answers_over_given_blocks_are_the_services_own(told):
    case = told.script.cases[0]
    stream = told.stream
    own = Answer(stream, told.question(case), max_tokens=ANSWER_TOKENS, remember=False)
    recalled = [moment.block_id for moment in run(own.prepare())]
    while own.step(0) is not None:
        pass
    own.finish(0)
    blocks = stream.memory.fetch(recalled)
    assert told.reply(case, blocks).ids == tuple(token.id for token in own.written)
    assert len(stream.memory.sealed()) + len(stream.memory.recent()) == len(told.script.pieces)


def test_codecs_are_compared_with_what_was_answered_without(reader_and_shape, memory, script, monkeypatch):
    monkeypatch.setattr(evidence, "scripts", lambda questions, seed: [script])
    counts = []
    report = measure_codecs(
        *reader_and_shape, memory, 2, counts.append, codecs=[CODECS["exact"], CODECS["int8"]]
    )
    assert sum(counts) == 2
    exact, int8 = report.rows
    # Of the two questions one has its evidence outside the window.
    assert exact == {
        "codec": "exact",
        "questions": 1,
        "right": 1,
        "same": 1,
        "right_full": 1,
        "same_full": 1,
    }
    assert int8["right"] == 1
