from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from speech.hibari import HibariSynthesizer
from speech.wer import normalize
from speech.whisper import WhisperRecognizer
from streams.errors import InvalidRequestError
from streams.types import Samples


def test_the_same_text_gives_the_same_samples(synthesizer: HibariSynthesizer) -> None:
    one, other = (synthesizer.synthesize("What was on the table?") for _ in range(2))
    assert one.dtype == np.float32
    assert np.abs(one).max() <= 1.0
    assert 1.0 < len(one) / synthesizer.rate < 3.0
    np.testing.assert_array_equal(one, other)


def test_speed_changes_the_length(synthesizer: HibariSynthesizer) -> None:
    slow, plain, fast = (len(synthesizer.synthesize("Please stop now.", speed=s)) for s in (0.5, 1.0, 1.5))
    assert slow > 1.5 * plain
    assert fast < 0.8 * plain


@pytest.mark.parametrize("text", ["", " \n ", "**😀**", "..."])
def test_what_cannot_be_spoken_is_empty_or_short(synthesizer: HibariSynthesizer, text: str) -> None:
    assert len(synthesizer.synthesize(text)) < synthesizer.rate


@pytest.mark.parametrize("speed", [0.25, 0.49, 2.01, float("nan")])
def test_a_speed_it_was_not_made_for_is_refused(synthesizer: HibariSynthesizer, speed: float) -> None:
    with pytest.raises(InvalidRequestError) as error:
        synthesizer.synthesize("Hello.", speed=speed)
    assert error.value.param == "speed"


def test_an_unknown_voice_is_refused_with_the_known_ones(synthesizer: HibariSynthesizer) -> None:
    with pytest.raises(InvalidRequestError, match=r"'nobody'.*heart") as error:
        synthesizer.synthesize("Hello.", voice="nobody")
    assert error.value.param == "voice"
    assert "heart" in synthesizer.voices


def test_a_voice_that_would_have_to_be_downloaded_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    with pytest.raises(InvalidRequestError, match="'emma'"):
        HibariSynthesizer(voice="emma")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("I saw Dr. Smith at the door.", "I saw doctor Smith at the door"),
        (
            "The cat was there at [02:13] on the table.",
            "The cat was there at two minutes thirteen seconds on the table",
        ),
        ("There were 1,250 people.", "There were one thousand two hundred fifty people"),
        ("This is the 21st time.", "This is the twenty first time"),
        ("Look at No. 5 on the list.", "Look at number five on the list"),
        ("It costs **$9.99** in all.", "It costs nine dollars and ninety nine cents in all"),
        ("He drove at 90 km/h in 1999.", "He drove at 90 kilometers per hour in 1999"),
        ("It is 20°C, e.g. outside.", "It is twenty degrees Celsius for example outside"),
    ],
)
def test_figures_and_abbreviations_are_read_as_people_do(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples], written: str, said: str
) -> None:
    assert normalize(recognizer.transcribe(say(written)).text) == normalize(said)
