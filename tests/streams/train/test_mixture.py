from collections import Counter
from dataclasses import replace

import pytest
import torch

from streams.train.imagined import Imagined
from streams.train.mixture import Mixture
from streams.train.sample import Dialogue, Facts, Seen, Turn

PICTURES = 10
IMAGINED = Imagined(
    torch.empty(20, 0), tuple(f"thing {n}" for n in range(20)), ("",) * 20, (frozenset(),) * 20
)


def own(picture):
    """A dialogue that shows one picture eight times."""
    frames = tuple(Seen(second * 1_000_000, picture, Facts(())) for second in range(8))
    return Dialogue(frames, (), 8_000_000)


def mixture(imagined=IMAGINED, share=0.25, doubted=0.5, seed=0):
    return Mixture([own(n) for n in range(PICTURES)], PICTURES, doubted, imagined, share, seed)


def numbers(dialogue):
    return [frame.picture for frame in dialogue.frames]


def test_as_many_dialogues_are_over_imagined_photographs_as_asked():
    shown = [numbers(mixture().dialogue(n)) for n in range(400)]
    imagined = [each for each in shown if min(each) >= 2 * PICTURES]
    assert 70 < len(imagined) < 130
    assert all(picture < 2 * PICTURES + 20 for each in imagined for picture in each)
    assert all(max(each) < 2 * PICTURES for each in shown if each not in imagined)


def test_a_number_tells_the_dialogue_whatever_came_before():
    whole = mixture()
    first = [whole.dialogue(n) for n in range(30)]
    again = mixture()
    assert [again.dialogue(n) for n in reversed(range(30))] == first[::-1]
    assert [mixture(seed=1).dialogue(n) for n in range(30)] != first


@pytest.mark.parametrize("doubted", [0.0, 0.5, 1.0])
def test_pictures_are_doubted_as_often_as_asked(doubted):
    mixed = mixture(imagined=None, doubted=doubted)
    found = Counter()
    for number in range(200):
        for picture in numbers(mixed.dialogue(number)):
            assert picture % PICTURES == number % PICTURES
            found[picture >= PICTURES] += 1
    assert found[True] / found.total() == pytest.approx(doubted, abs=0.05)


def test_where_nothing_is_imagined_all_are_own():
    assert all(max(numbers(mixture(imagined=None).dialogue(n))) < 2 * PICTURES for n in range(50))


def test_most_standing_requests_are_acknowledged_and_nothing_else():
    asked = tuple(
        Turn(second * 1_000_000, topic, "Tell me.", ())
        for second, topic in enumerate(("alert", "narration", "overheard"))
    )
    dialogue = replace(own(0), turns=asked)
    said = Counter()
    for number in range(200):
        mixed = Mixture([dialogue], PICTURES, 0.5, None, 0, number).dialogue(0)
        said.update(turn.topic for turn in mixed.turns if turn.acknowledgement)
    assert set(said) == {"alert", "narration"}
    assert all(100 < count < 180 for count in said.values())
    plain = Mixture([dialogue], PICTURES, 0.5, None, 0, 0, varied=False).dialogue(0)
    assert not any(turn.acknowledgement for turn in plain.turns)
