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


@pytest.mark.parametrize(
    "phrase",
    [
        "Stop.",
        "Please stop.",
        "That's enough.",
        "Okay, stop it now, please!",
        "Thanks, that is enough.",
        "Enough!",
    ],
)
def test_a_mere_stop_ends_narration_and_no_alert_and_nothing_where_nothing_stands(phrase):
    ended = stopped_by(recognise(phrase, standing=True), REQUESTS)
    assert ended == [request for request in REQUESTS if request.kind == "narration"] != []
    assert recognise(phrase) is None


@pytest.mark.parametrize(
    "phrase",
    ["The bus stop is near.", "Did it stop?", "Stop the car.", "Is that enough?", "Never mind.", "Go on."],
)
def test_what_only_sounds_like_a_stop_ends_nothing(phrase):
    assert recognise(phrase, standing=True) is None


def test_what_stands_does_not_hide_what_else_is_asked():
    assert recognise("Stop telling me about cars.", standing=True).about == {"car"}
    assert recognise("Tell me when the bus stops.", standing=True).kind == "alert"


def test_content_words_have_no_plural():
    assert content_words("about the red cars when you see them") == {"red", "car", "them"}
