"""What asks to be told later or no more, and what only looks so: by phrases, by word classes, and by what the
dialogues that models are trained on ask."""

import re
import string
import time
from itertools import product
from pathlib import Path

import pytest

from streams.request_phrase.recognition import Wish, recognise
from streams.request_phrase.stop import Stop
from streams.standing_request import MAX_REQUEST_CHARS
from streams.train.dialogue.phrases import CHAT, PHRASES


def read_wordings():
    """Yield (kind, phrase)."""
    kind = ""
    for line in (Path(__file__).parent / "wordings.txt").read_text("utf-8").splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            kind = match[1]
        elif line and not line.startswith("#"):
            yield kind, line


WORDINGS = list(read_wordings())


def asked_of(phrase):
    match recognise(phrase):
        case Wish("alert", _, repeats=True):
            return "again"
        case Wish("alert"):
            return "once"
        case Wish("narration"):
            return "narration"
        case Stop():
            return "stop"
        case None:
            return "nothing"


@pytest.mark.parametrize(("kind", "phrase"), WORDINGS)
def test_phrases_are_taken_for_what_they_ask(kind, phrase):
    assert asked_of(phrase) == kind


TOLD = (
    "tell me",
    "let us know",
    "notify me",
    "warn me",
    "inform us",
    "ping me",
    "give me a shout",
    "give us a quick heads-up",
    "say so",
    "speak up",
    "call it out",
    "report it",
)
ONCE = ("when", "if", "once", "as soon as", "the moment", "the instant that", "the next time")
AGAIN = ("whenever", "every time", "each time that", "any time")
EVENTS = ("you see a dog", "a dog appears", "the door opens", "somebody has come in", "a parked car moves")
UPON_ONCE = ("at the sight of a dog", "upon the arrival of a bus", "on seeing a fox", "at the next dog")
UPON_AGAIN = ("upon every sight of a dog", "at each dog that comes along", "with any movement")
POLITE = ("", "Please ", "Could you please ", "Hey, I want you to ", "Don't forget to ")


def spoken(words):
    return f"{words[0].upper()}{words[1:]}."


CONDITIONS = [
    *(("once", f"{how} {what}") for how, what in product(ONCE, EVENTS)),
    *(("again", f"{how} {what}") for how, what in product(AGAIN, EVENTS)),
    *(("once", upon) for upon in UPON_ONCE),
    *(("again", upon) for upon in UPON_AGAIN),
]


@pytest.mark.parametrize(("kind", "condition"), CONDITIONS)
def test_any_verb_of_telling_goes_with_any_condition_before_and_after_it(kind, condition):
    for tell, polite in product(TOLD, POLITE):
        asked = [f"{polite}{tell} {condition}", f"{condition}, {tell}", f"{condition}, could you {tell}"]
        assert {asked_of(spoken(words)) for words in asked} == {kind}, asked


@pytest.mark.parametrize(
    "asks",
    [
        "Did you {} {}?",
        "Why do you {} {}?",
        "She said that they {} {}.",
        "I will {} {}.",
        "What if they {} {}?",
    ],
)
def test_what_somebody_does_is_no_request(asks):
    for (_, condition), tell in product(CONDITIONS, TOLD):
        assert recognise(asks.format(tell, condition)) is None


@pytest.mark.parametrize(
    "event",
    ["you saw a dog", "the dog came in", "the bus will come", "you have seen it", "that was", "Anna rang"],
)
def test_what_was_or_will_be_is_a_question(event):
    for tell, how in product(("tell me", "say", "can you tell me", "let me know"), ("when", "if")):
        assert recognise(spoken(f"{tell} {how} {event}")) is None


STANDING = {"alert-once": "once", "alert-text-once": "once", "alert-every": "again", "narration": "narration"}
"""What kinds of the dialogues' phrases ask."""
FILLED = {
    "thing": "cup",
    "things": "cups",
    "a_thing": "a cup",
    "other": "dog",
    "word": "OPEN",
    "time": "00:12",
}


def filled(pattern):
    slots = {name for _, name, _, _ in string.Formatter().parse(pattern) if name}
    return pattern.format(**(dict.fromkeys(slots, "left of") | FILLED))


def asked_in_dialogues(split):
    for (kind, its_split), patterns in PHRASES.items():
        if its_split == split:
            yield from ((STANDING.get(kind, "nothing"), filled(pattern)) for pattern in patterns)
    yield from (("nothing", question) for question, _ in CHAT[split])


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_of_what_dialogues_ask_all_requests_are_found_and_no_question_is_taken_for_one(split):
    asked = list(asked_in_dialogues(split))
    assert {kind for kind, _ in asked} == {"once", "again", "narration", "nothing"}
    assert [(kind, phrase) for kind, phrase in asked if asked_of(phrase) != kind] == []


def test_the_sentence_that_asks_is_the_request():
    assert recognise("Nice. Tell me when you see a dog! Thanks.") == Wish(
        "alert", "Tell me when you see a dog!", repeats=False
    )
    assert recognise("") is None
    assert recognise("…") is None


@pytest.mark.parametrize(
    "request_",
    [
        "Tell me when Mr. Brown comes in.",
        "Tell me when it is above 3.5 degrees",
        "Let me know when you see the U.S. flag.",
        "Warn me if the temperature is over 1.5!",
        "Tell me when J. K. Rowling is on the screen.",
        "Tell me when the train to St. Albans is there.",
        "Tell me when no. 7 comes by.",
        "Tell me when the screen shows example.org.",
        "Tell me when a car, a bus, etc. passes.",
        "Tell me when the Acme Inc. van is here.",
    ],
)
def test_abbreviations_and_decimals_do_not_end_a_sentence(request_):
    assert recognise(f"Hello there. {request_}") == Wish("alert", request_, repeats=False)
    assert recognise(f"{request_} Thanks.") is not None


@pytest.mark.parametrize(
    "before",
    [
        "So do I.",
        "It is 5 p.m.",
        "It is 5 p.m!",
        "We have apples, pears, etc.",
        "That was at 3.",
        "ok.",
        "No.",
        "Well...",
        'He said "no."',
        "Fine;",
    ],
)
def test_where_a_sentence_ends_the_request_begins(before):
    asked = "Tell me when you see a dog."
    assert recognise(f"{before} {asked}") == Wish("alert", asked, repeats=False)
    assert recognise("Nice.Tell me when you see a dog.") == Wish("alert", asked, repeats=False)


@pytest.mark.parametrize(
    "again", ["could you please ", "every time that when ", "whenever it changes ", "at each "]
)
def test_what_goes_on_and_on_is_soon_given_up(again):
    """A session's other work waits for it."""
    start = time.process_time()
    recognise("when do " + again * 2_000)
    assert time.process_time() - start < 1


def test_a_request_that_is_too_long_is_one_all_the_same():
    """Its client is told that it is too long."""
    text = f"Tell me when you see a dog {'and a cat ' * MAX_REQUEST_CHARS}"
    assert recognise(text) == Wish("alert", text.strip(), repeats=False)
