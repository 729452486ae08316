import pytest

from memory.recall.present_phrase import asks_of_now


@pytest.mark.parametrize(
    "text",
    [
        "what do you see now?",
        "wait, what do you see now?",
        "which animal do you see?",
        "what is this?",
        "what appears in the current frame?",
        "which object is being shown at present?",
        "tell me what you can see right now.",
        "what's in front of you?",
        "how many apples do you see?",
    ],
)
def test_what_is_in_view_is_asked_for(text):
    assert asks_of_now(text)


@pytest.mark.parametrize(
    "text",
    [
        "what did you see first?",
        "did you see a cat?",
        "is it the same cup that you see now?",
        "do you see the dog again?",
        "what was shown before the cat?",
        "what is the code of the door now?",
        "when is the meeting?",
        "what has changed in the picture now?",
        "tell me when you see a dog.",
        "explain how a camera works.",
        "what is that word that anna said?",
    ],
)
def test_other_questions_need_memory(text):
    assert not asks_of_now(text)
