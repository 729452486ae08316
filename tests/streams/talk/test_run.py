"""``streams talk`` with files against the real gateway."""

import io
import json
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from gateway.assembly import Streams
from speech.asr import ASR_RATE
from speech.audio import resample, write_wav
from speech.wer import word_errors
from streams.cli import main
from streams.client import WIRE_RATE
from tests.streams.talk.conftest import serving
from tests.wav import read_wav

QUESTION = "What do you see now?"


@pytest.fixture
def talk(url, capsys, monkeypatch, tmp_path):
    """Runs ``streams talk`` with what is typed: status, what was printed, errors, events, answers' sound."""

    def run(*words, typed="", url=url, to_file=True):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        events, out = tmp_path / "events.jsonl", tmp_path / "answers.wav"
        files = ["--events", events, *(["--out", out] if to_file else []), "--log-level", "error"]
        status = main(["talk", "--url", url, *map(str, [*files, *words])])
        shown, errors = capsys.readouterr()
        told = (
            [json.loads(line) for line in events.read_text("utf-8").splitlines()] if events.exists() else []
        )
        return status, shown, errors, told, out

    return run


@pytest.fixture
def photograph(models):
    return next(models.resolve("sample").path.rglob("coffee.png"))


@pytest.fixture
def spoken(said, tmp_path):
    def write(*texts):
        path = tmp_path / "said.wav"
        write_wav(path, said(*texts), WIRE_RATE)
        return path

    return write


@pytest.fixture(scope="module")
def offline_url(streams):
    """Of a gateway whose sessions run on the clock of what they are sent."""
    server = streams.config.server.model_copy(update={"clock": "media"})
    with serving(Streams(streams.config.model_copy(update={"server": server}), streams.backend)) as url:
        yield url


def answers(events):
    return [
        event["transcript"] for event in events if event["type"] == "response.output_audio_transcript.done"
    ]


def assert_said(streams, wav, text):
    samples, rate = read_wav(wav)
    heard = streams.backend.recognizer.transcribe(resample(samples, rate, ASR_RATE)).text
    assert word_errors([text], [heard]).rate <= 0.2


def test_a_file_is_spoken_a_picture_shown_and_the_answer_heard(talk, spoken, photograph, streams):
    status, shown, errors, events, out = talk("--audio", spoken(QUESTION), "--video", photograph)
    assert (status, errors) == (0, "")
    for line in (f"you  {QUESTION}", "saw  espresso", "answer  ", "timing  "):
        assert line in shown
    (answer,) = answers(events)
    assert "coffee" in answer.lower()
    assert_said(streams, out, answer)
    assert {"session.created", "memory.recalled", "session.latency"} <= {event["type"] for event in events}
    sounds = [event for event in events if event["type"] == "response.output_audio.delta"]
    assert all("delta" not in event and event["delta_chars"] > 0 for event in sounds)


def test_fast_on_a_clock_that_media_move(talk, spoken, photograph, offline_url, streams):
    status, _, errors, events, out = talk(
        "--fast", "--audio", spoken(QUESTION), "--video", photograph.parent, url=offline_url
    )
    assert (status, errors) == (0, "")
    (answer,) = answers(events)
    assert_said(streams, out, answer)


def test_fast_on_the_wall_clock_is_refused_before_anything_is_said(talk, spoken):
    status, _, errors, events, _ = talk("--fast", "--audio", spoken(QUESTION))
    assert status == 1
    assert "server.clock = media" in errors
    assert {event["type"] for event in events} == {"session.created", "session.updated"}


def test_who_types_needs_no_loudspeaker_and_reads(talk, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    monkeypatch.delitem(sys.modules, "streams.talk.devices", raising=False)
    status, shown, errors, events, _ = talk("--audio", "none", typed="Say hello.\n", to_file=False)
    assert (status, errors) == (0, "")
    assert "answers are written, not spoken: microphone and loudspeaker need sounddevice" in " ".join(
        shown.split()
    )
    (answer,) = [event["text"] for event in events if event["type"] == "response.output_text.done"]
    assert answer
    assert answer.strip() in shown


def test_who_speaks_needs_one(talk, spoken, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    monkeypatch.delitem(sys.modules, "streams.talk.devices", raising=False)
    status, _, errors, _, _ = talk("--audio", spoken("Hello."), to_file=False)
    assert status == 1
    assert "sounddevice" in errors


def test_what_is_typed_is_answered_in_turn(talk):
    lines = "What is the capital of France?\n\nWhat is the capital of Italy?\n"
    status, _, errors, events, _ = talk("--audio", "none", typed=lines)
    assert (status, errors) == (0, "")
    done = [event["response"] for event in events if event["type"] == "response.done"]
    assert [response["status"] for response in done][1] == "completed"
    assert "Rome" in answers(events)[-1]
    assert not [event for event in events if event["type"] == "error"]


def test_ctrl_c_ends_it(talk, tmp_path):
    events = tmp_path / "events.jsonl"

    def interrupt():
        while not (events.exists() and "session.updated" in events.read_text("utf-8")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
    silence = tmp_path / "silence.wav"
    write_wav(silence, np.zeros(60 * WIRE_RATE, np.float32), WIRE_RATE)
    status, _, errors, told, out = talk("--audio", silence)
    assert (status, errors) == (0, "")
    updates = [event for event in told if event["type"] == "session.updated"]
    assert len(updates) == 2  # behind the end of the file there would have been another
    assert read_wav(out)[1] == WIRE_RATE
    assert signal.getsignal(signal.SIGINT) in (before, signal.default_int_handler)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--audio", "missing.wav"], "missing.wav cannot be opened"),
        (["--audio", "none", "--video", "missing.mp4"], "missing.mp4 cannot be opened"),
        (["--audio", "none", "--video", "missing.jpg"], "cannot read missing.jpg"),
        (["--audio", "none", "--events", "/"], "cannot write /"),
        (["--audio", "none", "--out", "/"], "cannot write /"),
        (["--audio", "none", "--fps", "0"], "--fps must be above 0"),
        (["--fast"], "--fast is for files"),
        (["--audio", "none", "--video", "camera:/dev/no-camera"], "camera /dev/no-camera cannot be opened"),
    ],
)
def test_what_cannot_be_is_named(talk, words, problem):
    status, _, errors, _, _ = talk(*words)
    assert status == 1
    assert problem in errors


def test_what_is_shown_is_shown_to_its_end_when_nothing_is_said(talk, offline_url, models):
    film = next(models.resolve("sample").path.rglob("bikes.mp4"))
    status, shown, errors, _, _ = talk("--fast", "--audio", "none", "--video", film, url=offline_url)
    assert (status, errors) == (0, "")
    assert "connected to" in shown


def test_no_gateway_is_said(talk):
    status, _, errors, _, _ = talk("--audio", "none", url="ws://127.0.0.1:9/v1/realtime")
    assert status == 1
    assert "ws://127.0.0.1:9/v1/realtime" in errors
    status, _, errors, _, _ = talk("--audio", "none", url="http://127.0.0.1:9")
    assert status == 1
    assert "ws:// or wss://" in errors


def test_a_session_that_is_not_kept_is_refused_with_the_reason(talk):
    status, shown, errors, _, _ = talk("--audio", "none", "--session", "kitchen", typed="Hello\n")
    assert status == 1
    assert "--memory-dir" in errors
    assert "connected to" not in shown
