import numpy as np
import pytest

from speech.hibari import HibariSynthesizer
from streams.bench.barge_in import BargeIn, report, voice_window_ms
from streams.bench.caller import Phrase, speak
from streams.bench.questions import INTERRUPTIONS
from streams.cli import main
from streams.config import SpeechConfig
from streams.errors import StreamsError


def test_voice_activity_needs_its_least_length_of_speech_and_little_more():
    config = SpeechConfig()
    for phrase in speak(HibariSynthesizer(), INTERRUPTIONS):
        assert config.min_speech_ms * 0.6 <= voice_window_ms(phrase, config) <= 400


def test_a_phrase_without_voice_is_named():
    with pytest.raises(StreamsError, match="Psst"):
        voice_window_ms(Phrase("Psst", np.zeros(24_000, np.float32)), SpeechConfig())


def test_the_table_has_each_phrase_and_all():
    found = [BargeIn("Wait", 100, 90), BargeIn("Wait", 140, 90), BargeIn("Stop", 300, 120)]
    rows = report(found, 4).rows
    assert [row["says"] for row in rows] == ["Wait", "Stop", "all, p50", "all, p95"]
    assert rows[0]["last_audio_ms"] == 120
    assert rows[2]["beyond_ms"] == 50
    assert rows[3]["times"] == 3


@pytest.mark.parametrize(
    ("words", "param"),
    [
        (["barge-in", "--turns", "0"], "--turns"),
        (["gateway", "--sessions", "0"], "--sessions"),
        (["gateway", "--minutes", "0"], "--minutes"),
    ],
)
def test_numbers_that_cannot_be_are_named(words, param, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["streams", "bench", *words])
    assert main(["bench", *words]) == 1
    assert f"{param} must be above 0" in capsys.readouterr().err
