import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.finished import FINISHED, LIKELY, UNFINISHED
from speech.patience import Patience

EAGERNESS = ("low", "medium", "auto", "high")
LONGEST_MS = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}

probability = st.none() | st.floats(0, 1)


@pytest.mark.parametrize("eagerness", EAGERNESS)
def test_nothing_known_waits_longest(eagerness):
    patience = Patience(eagerness)
    assert patience.wait_ms(None, None) == patience.longest_ms == LONGEST_MS[eagerness]


@pytest.mark.parametrize("eagerness", EAGERNESS)
def test_both_sure_is_quick_and_either_doubt_is_slow(eagerness):
    patience = Patience(eagerness)
    sure = patience.wait_ms(0.98, LIKELY)
    assert sure < LONGEST_MS[eagerness] / 4
    assert patience.wait_ms(0.98, UNFINISHED) > LONGEST_MS[eagerness] / 2
    assert patience.wait_ms(0.02, LIKELY) > 2 * sure


@given(st.sampled_from(EAGERNESS), probability, probability, st.floats(0, 1), st.floats(0, 1))
def test_more_evidence_of_an_end_never_waits_longer(eagerness, sound, words, other_sound, other_words):
    patience = Patience(eagerness)
    wait = patience.wait_ms(sound, words)
    assert 0 < wait <= patience.longest_ms
    if sound is not None and words is not None:
        assert patience.wait_ms(max(sound, other_sound), max(words, other_words)) <= wait


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_eager_wait_less(sound, words):
    low, medium, auto, high = (Patience(eagerness).wait_ms(sound, words) for eagerness in EAGERNESS)
    assert low >= medium == auto >= high


def test_words_that_are_known_make_a_wait_shorter_or_longer():
    patience = Patience("auto")
    unknown = patience.wait_ms(0.9, None)
    assert patience.wait_ms(0.9, FINISHED) < unknown < patience.wait_ms(0.9, UNFINISHED)
