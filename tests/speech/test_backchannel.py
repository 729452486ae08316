import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.backchannel import is_backchannel

SMALL = [
    "Mm-hmm.",
    "Uh-huh.",
    "Yeah,",
    "okay",
    "Right.",
    "I see.",
    "Oh",
    "hmm",
    "Haha!",
    "All right,",
    "sure",
]
CONTENT = ["stop", "wait", "no", "but", "what", "hold", "on", "tell", "me", "Paris", "later", "7", "ß"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ... ",
        "Mm-hm.",
        "Mmm, mm-hmm.",
        "M-hm.",
        "Uh huh, uh huh.",
        "Yeah, yeah, okay.",
        "Okay, right, I see.",
        "That makes sense.",
        "Oh, really?",
        "Hahaha!",
        "Ha ha ha",
        "(laughs) Yeah.",
        "[BLANK_AUDIO]",
        "*sighs* ♪",
        "you",
        "Thank you.",
        "Hmm… that’s right.",
    ],
)
def test_listeners_who_take_no_turn(text):
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "Stop.",
        "Wait, wait.",
        "No.",
        "Okay, but",
        "Yeah, no.",
        "What about the other one?",
        "I see a dog.",
        "Right there?",
        "Hold on.",
        "Sorry?",
        "Thank you, that is enough.",
        "Go on and tell me.",
        "Hello?",
        "(laughs) What?",
    ],
)
def test_interruptions(text):
    assert not is_backchannel(text)


@given(st.lists(st.sampled_from(SMALL)))
def test_backchannels_in_a_row_are_one(parts):
    assert is_backchannel(" ".join(parts))


@given(st.lists(st.sampled_from(SMALL)), st.sampled_from(CONTENT), st.lists(st.sampled_from(SMALL)))
def test_one_word_beyond_them_makes_it_none(before, word, after):
    assert not is_backchannel(" ".join([*before, word, *after]))


@given(st.text())
def test_any_text_is_judged(text):
    assert is_backchannel(text) in (True, False)
