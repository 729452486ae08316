import pytest

from streams.bench.turns_score import Score, Verdict, at_same_delay
from streams.bench.turns_trial import Ends


def score(median_ms, cutoffs):
    return Score(cutoffs, cutoffs, 10, 10, median_ms, median_ms, 0)


def test_an_end_inside_the_voice_is_a_cut_off_and_the_first_after_it_the_end():
    assert Verdict.of(Ends((1_000_000, 2_000_000, 3_500_000, 9_000_000), False), 3_000_000) == Verdict(
        2, 500.0, False
    )
    assert Verdict.of(Ends((3_000_000,), False), 3_000_000) == Verdict(0, 0.0, False)


def test_an_end_that_never_comes_is_missed():
    assert Verdict.of(Ends((), True), 3_000_000) == Verdict(0, None, True)
    assert Verdict.of(Ends((1_000_000,), True), 3_000_000) == Verdict(1, None, True)
    # Cut off so late that nothing was left to be heard.
    assert Verdict.of(Ends((2_900_000,), False), 3_000_000) == Verdict(1, None, False)


def test_a_score_counts_cut_offs_and_the_utterances_that_have_any():
    verdicts = [Verdict(2, 400.0, False), Verdict(0, 600.0, False), Verdict(1, None, True)]
    assert Score.of(verdicts, 7) == Score(3, 2, 3, 7, 500.0, pytest.approx(590.0), 1)
    assert Score.of([Verdict(0, None, True)], 0).median_ms is None


def test_cut_offs_between_the_points_of_a_curve():
    curve = [score(300.0, 20), score(500.0, 10), score(900.0, 2)]
    assert at_same_delay(curve, 400.0) == 15
    assert at_same_delay(curve, 900.0) == 2
    assert at_same_delay(curve[::-1], 700.0) == 6
    assert at_same_delay(curve, 299.0) is None
    assert at_same_delay(curve, 901.0) is None
    assert at_same_delay([], 400.0) is None
    assert at_same_delay(curve, None) is None
