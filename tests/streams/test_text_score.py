import pytest

from streams.text_score import choice_of, exact, f1, holds, token_recall


def test_case_punctuation_articles_and_written_numbers_do_not_count():
    assert exact("The cat.", "a Cat")
    assert exact("Three cups", "3 cups!")
    assert not exact("the cats", "the cat")


@pytest.mark.parametrize(
    ("answer", "right", "expected", "recalled"),
    [
        ("a red cat", "the red cat", 1.0, 1.0),
        ("It is a red cat", "red cat", 2 * 0.5 * 1 / 1.5, 1.0),
        ("a dog", "a red cat", 0.0, 0.0),
        ("red", "red red cat", 2 * 1 * (1 / 3) / (4 / 3), 1 / 3),
        ("", "cat", 0.0, 0.0),
        ("the", "a", 1.0, 1.0),
    ],
)
def test_words_in_common(answer, right, expected, recalled):
    assert f1(answer, right) == pytest.approx(expected)
    assert token_recall(answer, right) == pytest.approx(recalled)


def test_an_answer_holds_what_stands_in_it_word_for_word():
    assert holds("I saw the big red cat there.", ["dog", "big red cat"])
    assert not holds("I saw catfish", ["cat"])
    assert not holds("red and big cat", ["big red cat"])
    assert not holds("anything", ["the"])


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("B", 1),
        ("(C) a cow", 2),
        ("B. A cat", 1),
        ("a cow", 2),
        ("I think it was a dog.", 0),
        ("A dog or a cat", None),
        ("nothing", None),
        ("D", None),
        ("A cat", 1),
    ],
)
def test_which_choice_a_written_answer_names(answer, choice):
    assert choice_of(answer, ("a dog", "a cat", "a cow")) == choice
