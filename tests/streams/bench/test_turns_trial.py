import numpy as np
import pytest

from speech.patience import Patience
from speech.vad import WINDOW_SAMPLES, WINDOW_US
from streams.bench.turns_trial import Ends, Mode, Pace, Trial
from streams.types import Transcript, Word

QUICK = Pace(32, 64)
BEFORE, PAUSE, AFTER = 20, 30, 10
END_US = (BEFORE + PAUSE + AFTER) * WINDOW_US


class ByLevel:
    def push(self, window):
        return float(np.abs(window).max() > 0.1)

    def reset(self): ...


class Told:
    """Hears one text before the second part of the sound, another with it; so does the turn detector."""

    name = "told"

    def __init__(self, first, second):
        self._said = (first, second)
        self.calls = 0

    def _now(self, samples):
        return self._said[len(samples) > (BEFORE + PAUSE) * WINDOW_SAMPLES]

    def complete(self, samples):
        self.calls += 1
        return self._now(samples)

    def transcribe(self, samples, *, start_us=0, prompt=""):
        self.calls += 1
        return Transcript(tuple(Word(word, start_us, start_us) for word in self._now(samples).split()))


def trial(sound=(0.95, 0.95), words=("We went to the", "We went to the lake yesterday.")):
    marks = [0.5] * BEFORE + [0.0] * PAUSE + [0.5] * AFTER + [0.0] * 200
    samples = np.repeat(np.array(marks, np.float32), WINDOW_SAMPLES)
    models = Told(*sound), Told(*words)
    return Trial(samples, ByLevel(), *models), models


def test_server_vad_cuts_what_a_pause_divides():
    one, models = trial()
    ends = one.run(Mode.server_vad(500), QUICK)
    assert ends == Ends(((BEFORE + 16) * WINDOW_US, END_US + 16 * WINDOW_US), False)
    assert one.run(Mode.server_vad(1_000), QUICK) == Ends((END_US + 32 * WINDOW_US,), False)
    assert [model.calls for model in models] == [0, 0]


def test_semantic_vad_waits_where_the_words_go_on_and_is_quick_at_the_end():
    one, _ = trial()
    ends = one.run(Mode.semantic_vad("auto"), QUICK)
    assert len(ends.at_us) == 1
    assert END_US < ends.at_us[0] < END_US + 800_000


def test_the_sound_alone_decides_until_the_words_are_known():
    one, _ = trial()
    slow = one.run(Mode.semantic_vad("high"), Pace(32, 5_000))
    wait_ms = Patience("high").wait_ms(0.95, None)
    assert slow.at_us[0] == (BEFORE + -(-wait_ms // 32)) * WINDOW_US


@pytest.mark.parametrize("order", [(32, 320), (320, 32)])
def test_evidence_holds_from_when_it_is_there(order):
    one, _ = trial(words=("We went to the lake yesterday.", "We went to the lake yesterday."))
    sound_ms, words_ms = order
    ends = one.run(Mode.semantic_vad("auto"), Pace(sound_ms, words_ms))
    # Noticed after three windows of silence, known a third of a second later.
    assert ends.at_us[0] >= (BEFORE + 3) * WINDOW_US + 320_000


def test_what_the_models_say_of_a_pause_is_computed_once():
    one, models = trial()
    for eagerness in ("auto", "low"):
        one.run(Mode.semantic_vad(eagerness), QUICK)
    assert [model.calls for model in models] == [2, 2]
    assert [each.text for each in one.evidence.values()] == [
        "We went to the",
        "We went to the lake yesterday.",
    ]


def test_a_voice_that_never_stops_leaves_the_turn_open():
    one = Trial(np.full(100 * WINDOW_SAMPLES, 0.5, np.float32), ByLevel(), Told(1, 1), Told("", ""))
    assert one.run(Mode.semantic_vad("high"), QUICK) == Ends((), True)
