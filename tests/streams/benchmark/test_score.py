import pytest

from streams.benchmark.case import Case, Outcome
from streams.benchmark.score import report, score

S = 1_000_000


def choice(task, right=0, group="real"):
    return Case(f"{task}{right}", task, group, 0, "What?", ("cat", "dog")[right], ("cat", "dog"), right)


def request(due_s=20):
    return Case("r", "proactive", "proactive", 0, "Tell me.", "Now", due_us=due_s * S)


def test_choices_are_right_by_likelihood_and_by_what_was_written():
    found = score(Outcome(choice("a"), "It was a dog.", chosen=0))
    assert (found.likelihood, found.written, found.f1, found.in_time) == (True, False, None, None)


def test_a_number_is_right_when_it_is_the_only_one():
    count = Case("c", "REC", "forward", 0, "How many?", "3")
    assert score(Outcome(count, "Three times.")).written
    assert not score(Outcome(count, "3 or 4")).written
    assert not score(Outcome(count, "none")).written


@pytest.mark.parametrize(
    ("spoke_s", "in_time", "early"),
    [
        (17.9, False, False),
        (18, False, True),
        (19.9, False, True),
        (20, True, False),
        (22, True, False),
        (22.1, False, False),
    ],
)
def test_a_request_is_in_time_within_two_seconds_after_it_was_due(spoke_s, in_time, early):
    found = score(Outcome(request(), "Now it is.", spoke_us=round(spoke_s * S)))
    assert (found.in_time, found.early, found.written) == (in_time, early, True)
    missed = score(Outcome(request(), ""))
    assert (missed.in_time, missed.early, missed.written) == (False, False, False)


def test_rows_by_task_their_mean_and_all():
    outcomes = [
        *(Outcome(choice("a"), "cat", chosen=0, first_token_ms=10.0) for _ in range(3)),
        Outcome(choice("b", 1), "cat", chosen=0, first_token_ms=20.0),
        Outcome(request(), "Now", spoke_us=20 * S),
    ]
    rows = {(row["group"], row["task"]): row for row in report("x", outcomes).rows}
    assert rows["real", "a"]["likelihood"] == 1
    assert rows["real", "b"]["likelihood"] == 0
    assert rows["real", "mean of tasks"]["likelihood"] == 0.5
    assert rows["real", "mean of tasks"]["questions"] == 4
    assert rows["proactive", "proactive"]["in_time"] == 1
    assert rows["proactive", "proactive"]["likelihood"] is None
    everything = rows["", "all questions"]
    assert everything["likelihood"] == 0.75
    assert everything["written"] == 0.8
    assert everything["first_token_ms"] == 12.5
