"""Which standing requests are not wanted any more."""

import pytest

from streams.request_phrase.recognition import recognise
from streams.request_phrase.stop import content_words, stopped_by
from streams.standing_request import StandingRequest


def request(request_id, text, kind="alert"):
    return StandingRequest(request_id, kind, text, repeats=True, created_us=0)


REQUESTS = [
    request("car", "Tell me whenever a car passes."),
    request("dog", "Let me know if you see a dog."),
    request("all", "Describe what you see as it changes.", "narration"),
]


@pytest.mark.parametrize(
    ("phrase", "ended"),
    [
        ("Stop telling me about cars.", ["car"]),
        ("Stop watching for the dog.", ["dog"]),
        ("Stop describing what you see.", ["all"]),
        ("Don't tell me about the weather any more.", []),
        ("Stop telling me.", ["car", "dog", "all"]),
    ],
)
def test_what_is_stopped(phrase, ended):
    assert [each.id for each in stopped_by(recognise(phrase), REQUESTS)] == ended


def test_content_words_have_no_plural():
    assert content_words("about the red cars when you see them") == {"red", "car", "them"}
