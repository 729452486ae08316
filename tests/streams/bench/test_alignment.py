import numpy as np
import pytest

from speech.asr import ASR_RATE
from speech.audio import resample
from speech.hibari import HibariSynthesizer
from streams.bench.alignment import HOP, matching_places


@pytest.fixture(scope="module")
def sound():
    voice = HibariSynthesizer()
    return resample(voice.synthesize("The dog ran to the gate when the bell rang."), voice.rate, ASR_RATE)


def test_a_sound_matches_itself(sound):
    places = [HOP * at for at in (20, 60, 120)]
    assert matching_places(places, sound, sound) == places


def test_places_move_with_the_silence_before_them(sound):
    places = [HOP * at for at in (60, 120)]
    later = np.pad(sound, (50 * HOP, 0))
    for place, found in zip(places, matching_places(places, sound, later), strict=True):
        assert found == pytest.approx(place + 50 * HOP, abs=2 * HOP)


def test_places_of_slower_speech(sound):
    voice = HibariSynthesizer()
    text = "The dog ran to the gate when the bell rang."
    slow = resample(voice.synthesize(text, speed=0.8), voice.rate, ASR_RATE)
    place = len(sound) // 2
    (found,) = matching_places([place], sound, slow)
    assert found == pytest.approx(place * len(slow) / len(sound), abs=0.15 * ASR_RATE)
