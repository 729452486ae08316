import random

from streams.train.dialogue.manner import OPENINGS, spoken
from streams.train.sample import Dialogue, Reply, Turn


def dialogue(*texts, topic="now"):
    turns = tuple(Turn(n, topic, text, (Reply(n, "A cat."),)) for n, text in enumerate(texts))
    return Dialogue((), turns, len(texts))


def test_only_the_opening_of_what_is_said_changes():
    asked = dialogue(*["What do you see?"] * 300)
    said = spoken(asked, random.Random(0))
    texts = {turn.text for turn in said.turns}
    openings = {text.removesuffix("what do you see?") for text in texts if text != "What do you see?"}
    assert openings == {*OPENINGS, ""}
    assert [turn.replies for turn in said.turns] == [turn.replies for turn in asked.turns]
    assert [turn.at_us for turn in said.turns] == [turn.at_us for turn in asked.turns]
    kept = sum(turn.text == "What do you see?" for turn in said.turns)
    assert 200 < kept < 260


def test_names_keep_their_capitals():
    said = spoken(dialogue(*["Bridget lives in Rome."] * 100, topic="told"), random.Random(1))
    assert all("Bridget lives in Rome." in turn.text for turn in said.turns)
    assert any(turn.text != "Bridget lives in Rome." for turn in said.turns)


def test_what_is_overheard_is_as_it_was_said():
    heard = dialogue(*["The key is in the car."] * 100, topic="overheard")
    assert spoken(heard, random.Random(2)) == heard


def test_the_same_seed_says_the_same():
    asked = dialogue(*["Where is the cup?"] * 50)
    assert spoken(asked, random.Random(3)) == spoken(asked, random.Random(3))
