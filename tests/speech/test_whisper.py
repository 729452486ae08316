from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from speech.wer import normalize, word_errors
from speech.whisper import WhisperRecognizer, repeated_words
from streams.errors import InvalidRequestError, ModelNotFoundError
from streams.types import Samples

SENTENCES = (
    "What was on the table in the first picture?",
    "The train to Boston leaves from platform seven at six fifteen.",
    "When the rain finally stopped, the children ran outside.",
    "Elizabeth showed the museum to her cousins from Canada.",
    "The rocket stood on the launch pad for two days while the engineers looked for the leak.",
)


def test_synthesised_sentences_are_understood(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples]
) -> None:
    heard = [recognizer.transcribe(say(sentence)).text for sentence in SENTENCES]
    assert word_errors(SENTENCES, heard).rate <= 0.04, heard


@pytest.mark.parametrize("word", ["Stop.", "Yes.", "Wait.", "Hello?", "Three."])
@pytest.mark.parametrize("pause", [0, 4_800])
def test_single_words_are_heard_once(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples], word: str, pause: int
) -> None:
    assert normalize(recognizer.transcribe(np.pad(say(word), pause)).text) == normalize(word)


def test_words_have_times_in_order_inside_the_sound(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples]
) -> None:
    clip = np.pad(say(SENTENCES[0]), (8_000, 8_000))
    words = recognizer.transcribe(clip, start_us=3_000_000).words
    edges = [edge for word in words for edge in (word.start_us, word.end_us)]
    assert edges == sorted(edges)
    assert edges[0] >= 3_000_000
    assert edges[-1] <= 3_000_000 + len(clip) * 1_000_000 // 16_000
    loud = np.flatnonzero(np.abs(clip) > 0.05 * np.abs(clip).max())
    assert abs(words[-1].end_us - (3_000_000 + loud[-1] * 62.5)) < 400_000


def test_numbers_are_one_word(recognizer: WhisperRecognizer, say: Callable[[str], Samples]) -> None:
    text = recognizer.transcribe(say("It is 3.5 km away and costs $9.99.")).text
    assert "3.5" in text
    assert "$9.99" in text


@pytest.mark.parametrize("seconds", [0.05, 1, 4, 12, 30])
def test_silence_has_no_words(recognizer: WhisperRecognizer, seconds: float) -> None:
    assert recognizer.transcribe(np.zeros(int(seconds * 16_000), np.float32)).words == ()


@pytest.mark.parametrize("level", [0.001, 0.01, 0.1, 0.3])
@pytest.mark.parametrize("seconds", [1, 8])
def test_noise_has_no_words(recognizer: WhisperRecognizer, level: float, seconds: int) -> None:
    rng = np.random.default_rng(0)
    white = rng.standard_normal(seconds * 16_000)
    pink = np.fft.irfft(np.fft.rfft(white) / np.sqrt(np.arange(1, len(white) // 2 + 2)))
    for noise in (white, pink / pink.std()):
        assert recognizer.transcribe((level * noise).astype(np.float32)).words == ()


def test_tones_clicks_and_hum_have_no_words(recognizer: WhisperRecognizer) -> None:
    times, rng = np.arange(4 * 16_000) / 16_000, np.random.default_rng(1)
    sounds = {
        "tone": 0.2 * np.sin(2 * np.pi * 440 * times),
        "hum": 0.1 * np.sign(np.sin(2 * np.pi * 50 * times)),
        "siren": 0.2 * np.sin(2 * np.pi * (200 + 400 * times) * times),
        "clicks": (rng.random(len(times)) < 2e-4) * 0.9,
    }
    assert {
        name: recognizer.transcribe(s.astype(np.float32)).text for name, s in sounds.items()
    } == dict.fromkeys(sounds, "")


def test_it_is_deterministic_and_safe_between_threads(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples]
) -> None:
    clips = [say(sentence) for sentence in SENTENCES[:3]]
    alone = [recognizer.transcribe(clip) for clip in clips]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(recognizer.transcribe, clips)) == alone


def test_too_much_sound_is_refused(recognizer: WhisperRecognizer) -> None:
    with pytest.raises(InvalidRequestError, match="at most 30 s"):
        recognizer.transcribe(np.zeros(31 * 16_000, np.float32))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=tmp_path.name):
        WhisperRecognizer(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("What was on the table?", 0),
        ("Please stop. Please stop.", 2),
        ("What was in the first picture? What was in", 3),
        ("no no no no", 3),
        ("very, very good", 0),
        ("the cat saw the cat", 0),
        ("", 0),
    ],
)
def test_loops_are_seen(text: str, repeated: int) -> None:
    assert repeated_words(text.split()) == repeated


def test_what_is_really_said_twice_is_heard_twice(
    recognizer: WhisperRecognizer, say: Callable[[str], Samples]
) -> None:
    assert normalize(recognizer.transcribe(say("Please stop. Please stop.")).text) == ["please", "stop"] * 2
