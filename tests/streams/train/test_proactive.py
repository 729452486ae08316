import pytest

from streams.train.proactive import Frame, best_score, score
from streams.types import US_PER_S


def frames(*given):
    """(second, urge, due) each."""
    return [Frame(round(second * US_PER_S), urge, due) for second, urge, due in given]


def test_the_first_time_spoken_within_two_seconds_counts():
    late = frames((0, 0.1, False), (1, 0.2, True), (2, 0.9, False), (3, 0.9, False))
    found = score([late], 0.5)
    assert (found.precision, found.recall) == (0.5, 1.0)
    too_late = frames((1, 0.2, True), (3.5, 0.9, False))
    assert score([too_late], 0.5).f1 == 0.0


def test_speaking_before_it_is_due_is_a_false_alarm():
    assert score([frames((0, 0.9, False), (1, 0.9, True))], 0.5).precision == 0.5


def test_streams_are_apart():
    one, other = frames((0, 0.9, True)), frames((0.5, 0.9, False))
    found = score([one, other], 0.5)
    assert (found.precision, found.recall) == (0.5, 1.0)


def test_the_best_threshold_lies_amid_the_equals():
    found = best_score([frames((0, 0.1, False), (5, 0.9, True))])
    assert found.f1 == 1.0
    assert found.threshold == pytest.approx(0.5, abs=0.03)
