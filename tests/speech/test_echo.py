import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.echo import repeats

REPLY = (
    "The red flower stood beside the window before you moved it to the garden. A cup of coffee was on the "
    "table, and the photograph was taken at 7:45, so the library had not opened yet."
)
WORDS = REPLY.split()


@pytest.mark.parametrize(
    "heard",
    [
        "The red flower stood",
        "the red flour stood beside the window.",
        "Beside the window before you move it to the garden, a cup of coffee",
        "was taken at seven forty five",
        "photo graph was taken at",
        "so the libary had not opened yet",
    ],
)
def test_what_was_said_comes_back(heard):
    assert repeats(heard, REPLY)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "window",
        "...",
        "What did you see on the floor?",
        "stop the red flower",
        "The red flower, no, stop.",
        "Wait, beside the window?",
        "okay so",
        "Was the cat there too?",
        "Please remind me to call my sister tomorrow.",
    ],
)
def test_what_a_user_says_is_no_echo(heard):
    assert not repeats(heard, REPLY)


def test_nothing_spoken_is_repeated_by_nothing():
    assert not repeats("the red flower", "")
    assert not repeats("", "")


@given(st.integers(0, len(WORDS) - 2), st.integers(2, 12), st.randoms(use_true_random=False))
def test_any_stretch_with_a_wrong_letter_in_every_fourth_word(start, count, random):
    stretch = WORDS[start : start + count]
    for at in range(3, len(stretch), 4):
        place = random.randrange(len(stretch[at]))
        stretch[at] = stretch[at][:place] + "e" + stretch[at][place + 1 :]
    assert repeats(" ".join(stretch), REPLY)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_texts_compare(heard, spoken):
    assert repeats(heard, spoken) in (True, False)


@pytest.mark.parametrize(
    "heard", ["The third was", "the third was a legendary king", "Was the eighth. Louis the fourteenth"]
)
def test_of_a_name_with_a_numeral_is_heard_what_the_voice_says(heard):
    assert repeats(heard, "King Edward III was a legendary king, as was Henry VIII. Louis XIV ruled later.")
    assert not repeats("the third was", "King Edward was a legendary king of England.")
