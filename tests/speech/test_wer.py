from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.wer import edit_distance, normalize, word_errors


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("She paid $12.50.", "she paid twelve dollars and fifty cents"),
        ("365 days", "three hundred and sixty five days"),
        ("1,250", "one thousand two hundred fifty"),
        ("at 6:15 on the 21st", "at six fifteen on the twenty first"),
        ("3.5 km, 50%", "three point five km fifty percent"),
        ("Dr. Smith’s grey cat", "doctor smith's gray cat"),
        ("the 30th", "the thirtieth"),
    ],
)
def test_the_same_in_figures_and_in_words(written: str, said: str) -> None:
    assert normalize(written) == normalize(said)


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=12)


@given(TEXTS, TEXTS)
def test_it_counts_as_jiwer_does(one: list[str], other: list[str]) -> None:
    assert edit_distance(one, other) / len(one) == pytest.approx(jiwer.wer(" ".join(one), " ".join(other)))


def test_words_heard_in_silence_are_errors() -> None:
    assert word_errors([""], ["thank you"]).errors == 2
    assert word_errors(["a b", "c d"], ["a b", "c"]).rate == 0.25
