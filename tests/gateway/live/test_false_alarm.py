import pytest

from gateway.live.false_alarm import false_alarm

SPOKEN = "Once upon a time there was a king who lived in a palace."


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "noise"),
        ("Yeah, okay.", "backchannel"),
        ("Once upon a time there was a", "echo"),
        ("Wait, who was the king?", None),
        ("okay but stop", None),
    ],
)
def test_words_that_do_not_interrupt(words, reason):
    assert false_alarm(words, SPOKEN) == reason
