import pytest

from memory.recall.order_phrase import find_order


@pytest.mark.parametrize(
    "text",
    [
        "what did you see first?",
        "what did you see first of all?",
        "what was the first thing you saw?",
        "name the very first thing shown.",
        "which sight was the earliest of all?",
        "what was there at the beginning?",
        "what was there at first?",
        "how did it start: what was there?",
        "with what did the stream open?",
        "what came first of all?",
        "what did i say first?",
    ],
)
def test_what_came_first_is_asked_for(text):
    assert find_order(text) == "first"


@pytest.mark.parametrize(
    "text",
    [
        "what did you see right before the cat?",
        "what came after the red car?",
        "just ahead of the ball, what was visible?",
        "by what was the dog replaced?",
        "what was it that the tree took the place of?",
        "what preceded the clock?",
        "once the cat had gone, what followed?",
    ],
)
def test_what_came_around_something_is_asked_for(text):
    assert find_order(text) == "around"


@pytest.mark.parametrize(
    "text",
    [
        "which came first, the cat or the dog?",
        "of the cat and the dog, which came first?",
        "what happened in the first ten minutes?",
        "when did you first see the cat?",
        "did you see a cat before?",
        "what is the first name of my sister?",
        "what do you see now?",
        "first i will cook, what is in the fridge?",
        "when is the meeting with anna?",
        "what was before the camera?",
        "which animals did you see after 10:00?",
        "how many cars were there before noon?",
        "how do i look after a cat?",
        "is the dog following you?",
        "did you see it after all?",
    ],
)
def test_other_questions_have_no_order(text):
    assert find_order(text) is None
