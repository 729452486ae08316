import pytest

from streams.bench.tools import Tried, row, share
from streams.bench.tools_set import cases, outputs


def test_the_halves_share_no_question():
    tune, test = ({case.question for case in cases(half)} for half in ("tune", "test"))
    assert tune
    assert test
    assert not tune & test


@pytest.mark.parametrize("half", ["tune", "test"])
def test_what_is_due_is_offered_and_some_questions_are_due_none(half):
    all_cases = list(cases(half))
    due = [case for case in all_cases if case.call is not None]
    assert 0 < len(due) < len(all_cases)
    for case in due:
        assert case.call in {tool.name for tool in case.offered}


def test_outputs_hold_what_an_answer_is_to_tell():
    for output in outputs():
        assert output.tells
        assert output.tool.name


def test_a_row_counts_what_was_decided_and_what_was_written():
    due, other = (case for case in cases("tune") if case.call is not None), None
    first = next(due)
    other = next(case for case in cases("tune") if case.call is None)
    tried = [Tried(first, first.call, first.call, None), Tried(other, first.call, "", None)]
    counted = row("tune", tried)
    assert (counted["questions"], counted["due"]) == (2, 1)
    assert (counted["called"], counted["called_wrongly"], counted["decided"]) == (1.0, 1.0, 0.5)
    assert (counted["tool"], counted["arguments"], counted["complete"]) == (1.0, 0.0, 0.0)
    assert share([]) is None
