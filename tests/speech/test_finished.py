import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.finished import DOUBTFUL, FINISHED, LIKELY, OPEN, UNFINISHED, finished


@pytest.mark.parametrize(
    "text",
    [
        "I wanted to ask you and",
        "We could go there because.",
        "I will come if",
        "Put it next to the.",
        "That is my",
        "I am looking for",
        "She walked into.",
        "It was, um.",
        "So, uh",
        "Well,",
        "The capital of France is",
        "I think",
        "You could.",
    ],
)
def test_what_nothing_ends_on(text):
    assert finished(text) == UNFINISHED


@pytest.mark.parametrize(
    "text",
    [
        "I was wondering",
        "The street is called.",
        "If the weather is nice tomorrow",
        "When you get to the station.",
        "In the second drawer.",
        "My number is five five five.",
        "The code is 47",
        "I met Anna, her brother.",
        "Tell me where.",
        "The film was nice, but it could have been shorter...",
        "It was a nice film,",
        "We saw the film. After that I",
    ],
)
def test_what_seldom_is_the_end(text):
    assert finished(text) <= DOUBTFUL


@pytest.mark.parametrize(
    "text",
    [
        "What time does the museum close?",
        "Where are you from?",
        "What is it for?",
        "When does the shop open?",
        "Turn it on.",
        "I know who she was.",
        "If it rains tomorrow, we will stay at home.",
        "Yes, I do.",
        "My number is 555 312 8904.",
        "The meeting is at nine.",
        "Add salt, pepper, and a spoon of honey.",
        "The bus leaves at nine, I think.",
        "Let's try it again, shall we?",
        "So that was the end of the story.",
    ],
)
def test_what_may_well_be_the_end(text):
    assert finished(text) >= OPEN


@pytest.mark.parametrize(
    "text", ["Yes.", "Thank you, thanks", "Give it to me", "Turn it off, please.", "okay"]
)
def test_closing_words(text):
    assert finished(text) >= LIKELY


def test_a_full_stop_is_a_weak_hint():
    assert finished("The dog ran home") == OPEN < finished("The dog ran home.") == LIKELY < FINISHED
    assert finished("The dog and.") == finished("The dog and")


def test_only_the_last_sentence_counts():
    assert finished("Where is it? I looked in the") == UNFINISHED
    assert finished("I looked in the. No, it is in the kitchen.") == LIKELY


@pytest.mark.parametrize("text", ["", "  ", "...", "?!", "♪"])
def test_no_words_tell_nothing(text):
    assert finished(text) == OPEN


@given(st.text(max_size=80), st.sampled_from([".", "?", "!", "", " "]))
def test_any_text_has_a_degree_and_a_stop_never_lowers_it(text, stop):
    degree = finished(text)
    assert UNFINISHED <= degree <= FINISHED
    if text and text[-1].isalnum():
        assert finished(text + stop) >= degree


@given(
    st.lists(st.sampled_from(["the", "dog", "saw", "cats", "when", "it", "rained", "three"]), max_size=8),
    st.sampled_from(["and", "because", "um", "the", "or"]),
)
def test_whatever_came_before_a_conjunction_leaves_it_open(words, last):
    assert finished(" ".join([*words, last])) == UNFINISHED
