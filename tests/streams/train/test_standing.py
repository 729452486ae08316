import random
from itertools import product

import pytest

from streams.train.dialogue.manner import OPENINGS, spoken
from streams.train.dialogue.phrases import PHRASES
from streams.train.sample import Dialogue, Reply, Turn
from streams.train.standing import stands_on

WORDS = {"a_thing": "a red cup", "thing": "red cup", "word": "EXIT"}
KINDS = ("alert-once", "alert-every", "alert-text-once", "narration")


def request(text, *seconds, topic="alert"):
    return Turn(0, topic, text, tuple(Reply(second * 1_000_000, "A cup.") for second in seconds))


@pytest.mark.parametrize(("kind", "split"), list(product(KINDS, ("train", "validation", "test"))))
def test_what_dialogues_ask_again_and_again_stands_on(kind, split):
    """However it is opened, and with nothing or one thing due."""
    rng = random.Random(0)
    topic = "narration" if kind == "narration" else "alert"
    for phrase in PHRASES[kind, split]:
        turn = request(phrase.format(**WORDS), topic=topic)
        for asked in (turn, *_openings(turn, rng)):
            assert stands_on(asked) == (kind in ("alert-every", "narration")), asked.text


def _openings(turn, rng):
    found = {}
    while len(found) < len(OPENINGS):
        (said,) = spoken(Dialogue((), (turn,), 0), rng).turns
        found |= {opening: said for opening in OPENINGS if said.text.startswith(opening)}
    return found.values()


@pytest.mark.parametrize(
    ("turn", "stands"),
    [
        (request("Narrate for me, please.", 2, topic="narration"), True),
        (request("Tell me when all of the cups are there.", 2), False),
        (request("Tell me when you see the word every.", 2), False),
        (request("Always tell me when a cup comes.", 2), True),
        (request("Cups!", 2), False),
        (request("Cups!", 2, 4), True),
    ],
)
def test_words_are_taken_as_the_engine_takes_them(turn, stands):
    assert stands_on(turn) is stands
