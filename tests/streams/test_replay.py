"""A real video (three photographs and a spoken sentence) replayed on the real models."""

import asyncio
import io
import json
from copy import copy
from dataclasses import replace
from fractions import Fraction
from itertools import takewhile

import av
import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from gateway.assembly import Streams
from llm.speaking import Speaking
from streams.cli import main
from streams.events import FrameSeen, ResponseCreated, TranscriptCompleted
from streams.question import TimedQuestion
from streams.replay import Replay
from streams.types import BlockKind

S = 1_000_000
FPS = 4
RATE = 24_000
SCENE_S = 6
SAID = "The meeting with Anna is on Friday at noon."
SCENES = ("coffee.png", "chelsea.png", "motorcycle_left.png")
CAT_US = SCENE_S * S
QUESTIONS = (
    TimedQuestion(17 * S, "When is the meeting with Anna?"),
    TimedQuestion(CAT_US, "Did you see a cat?"),  # in the file out of order
    TimedQuestion(30 * S, "Did you see a cat?"),  # past the end
)


class Kept(Streams):
    """Outlives a command, so that models are loaded once."""

    def close(self):
        pass


class Watched(Replay):
    """A replay whose events are kept."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.events = []

    def _emit(self, event):
        self.events.append(event)
        super()._emit(event)


@pytest.fixture(scope="module")
def film(models):
    """Writes pictures of ``seconds`` each, with ``sound`` at 24 kHz from the start on."""
    folder = models.resolve("sample").path

    def write(path, names, seconds, sound):
        samples = np.zeros(len(names) * seconds * RATE, np.float32)
        samples[: len(sound)] = sound
        with av.open(path, "w") as container:
            video = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "threads": "1"})
            video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
            audio = container.add_stream("aac", rate=RATE)
            audio.layout = "mono"
            for number, name in enumerate(name for name in names for _ in range(seconds * FPS)):
                picture = PIL.Image.open(next(folder.rglob(name))).convert("RGB").resize((320, 240))
                frame = av.VideoFrame.from_image(picture)
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                container.mux(video.encode(frame))
                part = samples[number * RATE // FPS : (number + 1) * RATE // FPS]
                heard = av.AudioFrame.from_ndarray(part[np.newaxis], format="flt", layout="mono")
                heard.rate, heard.pts, heard.time_base = RATE, number * RATE // FPS, Fraction(1, RATE)
                container.mux(audio.encode(heard))
            for stream in (video, audio):
                container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="module")
def video(film, streams, tmp_path_factory):
    sound = np.pad(streams.backend.synthesizer.synthesize(SAID), (RATE, 0))
    return film(tmp_path_factory.mktemp("film") / "film.mp4", SCENES, SCENE_S, sound)


@pytest.fixture(scope="module")
def clip(film, tmp_path_factory):
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4", SCENES, 1, np.zeros(0, np.float32))


@pytest.fixture(scope="module")
def service(config, streams, tmp_path_factory):
    """A service with so small a window that what was seen and said soon leaves it."""
    memory = {"window_tokens": 16, "dialogue_tokens": 16, "recall_blocks": 3}
    memory["dir"] = tmp_path_factory.mktemp("memory")
    update = {
        "memory": config.memory.model_copy(update=memory),
        "speech": config.speech.model_copy(update={"partial_interval_ms": 5_000}),
        "llm": config.llm.model_copy(update={"max_output_tokens": 24}),
    }
    return Kept(config.model_copy(update=update), streams.backend)


@pytest.fixture(scope="module")
def play(service):
    def play(source, questions, realtime=False):
        console = Console(file=io.StringIO(), width=120)
        replay = Watched(service, str(source), realtime=realtime, console=console)
        return asyncio.run(replay.run(questions)), replay.events, console.file.getvalue()

    return play


@pytest.fixture(scope="module")
def played(play, video):
    return play(video, QUESTIONS)


@pytest.fixture
def replayed(monkeypatch, service, capsys):
    """Runs ``streams replay`` on the models that are loaded already."""
    monkeypatch.setattr("streams.replay.Streams.load", lambda config: service)

    def run(*words):
        status = main(["replay", *map(str, words), "--log-level", "error"])
        return status, *capsys.readouterr()

    return run


def test_it_speaks_up_at_frames_of_the_film_and_questions_are_answered_all_the_same(service, clip):
    eager = copy(service.backend.reader)
    eager.speaking = Speaking(eager.backbone, eager.chat, 1e-9)
    able = Streams(service.config, replace(service.backend, reader=eager))
    console = Console(file=io.StringIO(), width=120)
    replay = Replay(able, str(clip), realtime=False, console=console, proactive="alerts")
    questions = [
        TimedQuestion(0, "Tell me when you see a cat."),
        TimedQuestion(10 * S, "What is the capital of France?"),
    ]
    result = asyncio.run(replay.run(questions))
    (told,) = result.unasked
    assert (told.kind, 0 <= told.at_us < 3 * S) == ("alert", True)
    assert [answer.question for answer in result.answers] == [question.text for question in questions]
    assert "Paris" in result.answers[1].answer
    assert result.to_json()["unasked"][0]["text"] == told.text
    assert f"speaks up (alert): {told.text}" in console.file.getvalue()


def test_questions_are_asked_at_their_times_in_their_order(played):
    result, _, _ = played
    assert [(answer.asked_at_us, answer.question) for answer in result.answers] == [
        (question.at_us, question.text) for question in sorted(QUESTIONS, key=lambda each: each.at_us)
    ]
    assert all(answer.answer for answer in result.answers)
    assert (result.frames_seen, result.frames_dropped) == (len(SCENES) * SCENE_S * FPS, 0)
    assert len(SCENES) <= result.frames_encoded <= len(SCENES) * SCENE_S


def test_a_question_does_not_look_ahead(played):
    result, events, _ = played
    asked = [place for place, event in enumerate(events) if isinstance(event, ResponseCreated)]
    for place, answer in zip(asked, result.answers, strict=True):
        seen = [event.pts_us for event in events[:place] if isinstance(event, FrameSeen)]
        all_seen = [event.pts_us for event in events if isinstance(event, FrameSeen)]
        # Every frame before the question and none from it on.
        assert seen == list(takewhile(lambda at_us, end=answer.asked_at_us: at_us < end, all_seen))
        assert all(moment.start_us < answer.asked_at_us for moment in answer.moments)
    early, *_, late = result.answers
    assert not [moment for moment in early.moments if "cat" in moment.text]
    cats = [moment for moment in late.moments if moment.text == "cat"]
    assert cats
    assert all(CAT_US <= moment.start_us < 2 * CAT_US for moment in cats)


def test_what_is_said_in_the_video_is_heard_and_remembered_not_answered(played):
    result, events, shown = played
    (heard,) = [event for event in events if isinstance(event, TranscriptCompleted)]
    assert heard.transcript.text == SAID
    assert len([event for event in events if isinstance(event, ResponseCreated)]) == len(QUESTIONS)
    about_anna = result.answers[1]
    (moment,) = [moment for moment in about_anna.moments if moment.text == SAID]
    assert moment.kind is BlockKind.UTTERANCE
    assert S < moment.start_us + S // 10 < moment.end_us < 5 * S
    assert "Friday" in about_anna.answer
    for line in (f"heard: {SAID}", "00:17 When is the meeting with Anna?", about_anna.answer.split()[0]):
        assert line in shown


def test_a_replay_is_the_same_every_time(played, play, video):
    first, _, _ = played
    again, _, _ = play(video, QUESTIONS)

    def found(result):
        return [(answer.question, answer.answer, answer.moments) for answer in result.answers]

    assert found(again) == found(first)
    assert again.frames_encoded == first.frames_encoded
    assert again.memory == first.memory


def test_in_real_time_frames_are_counted_and_questions_answered(play, clip):
    questions = [TimedQuestion(S, "What is [/this] here?"), TimedQuestion(2 * S, "And [bold]now[/bold]?")]
    result, events, shown = play(clip, questions, realtime=True)
    assert [answer.question for answer in result.answers] == [question.text for question in questions]
    assert result.frames_seen == len(SCENES) * FPS
    seen = len([event for event in events if isinstance(event, FrameSeen)])
    assert result.frames_encoded == seen
    assert 0 < seen + result.frames_dropped <= result.frames_seen
    for question in questions:
        assert question.text in shown


def test_the_json_has_the_shape_that_was_promised(replayed, clip, tmp_path):
    file = tmp_path / "answers.json"
    status, out, err = replayed(clip, "--ask", "00:02.5 What did you see?", "--json", "-")
    assert status == 0
    document = json.loads(out)
    assert "What did you see?" in err
    assert list(document) == ["video", "answers", "unasked", "frames", "memory"]
    assert document["video"] == str(clip)
    (answer,) = document["answers"]
    assert list(answer) == ["asked_at_s", "question", "answer", "moments", "first_token_ms", "total_ms"]
    assert (answer["asked_at_s"], answer["question"]) == (2.5, "What did you see?")
    assert isinstance(answer["answer"], str)
    assert 0 < answer["first_token_ms"] <= answer["total_ms"]
    assert answer["moments"]
    for moment in answer["moments"]:
        assert list(moment) == ["start_s", "end_s", "score"]
        assert all(isinstance(value, float) for value in moment.values())
        assert 0 <= moment["start_s"] < moment["end_s"]
    assert document["frames"]["seen"] == len(SCENES) * FPS
    for part, names in (
        ("frames", ["seen", "encoded", "dropped"]),
        ("memory", ["blocks", "device_bytes", "ram_bytes", "disk_bytes"]),
    ):
        assert list(document[part]) == names
        assert all(isinstance(value, int) for value in document[part].values())

    questions = tmp_path / "questions.json"
    questions.write_text(json.dumps([{"at": 2.5, "question": "What did you see?"}]))
    status, out, _ = replayed(clip, "--questions", questions, "--json", file)
    assert (status, out) == (0, "")
    again = json.loads(file.read_text("utf-8"))
    for each in (document, again):
        for answer in each["answers"]:
            del answer["first_token_ms"], answer["total_ms"]
    assert again == document


def test_without_questions_it_watches_and_counts(replayed, clip):
    status, out, _ = replayed(clip)
    assert status == 0
    assert "'seen': 12" in out


def test_a_file_that_cannot_be_written_is_named(replayed, clip, tmp_path):
    status, out, err = replayed(clip, "--json", tmp_path)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == f"streams replay: cannot write {tmp_path}: Is a directory"


def test_a_video_that_breaks_off_is_an_error(replayed, video, tmp_path):
    broken = tmp_path / "broken.mp4"
    with av.open(str(video)) as whole, av.open(str(broken), "w", format="matroska") as cut:
        stream = whole.streams.video[0]
        copy = cut.add_stream_from_template(stream)
        for packet in whole.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                cut.mux(packet)
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    status, out, err = replayed(broken, "--ask", "00:17 What do you see?")
    assert (status, out) == (1, "")
    assert "broken.mp4 is truncated" in err.splitlines()[-1]


class TestKept:
    """A film that was watched once is asked about later, without being watched again."""

    @pytest.fixture
    def lasting(self, service, tmp_path, monkeypatch):
        """Runs ``streams replay`` with its memory kept, as if each were a process of its own."""

        def run(*words, fails=False):
            memory = service.config.memory.model_copy(update={"dir": tmp_path / "kept"})
            again = Streams(service.config.model_copy(update={"memory": memory}), service.backend)
            monkeypatch.setattr(again, "close", again._memories.close)
            monkeypatch.setattr("streams.replay.Streams.load", lambda config: again)
            folder = ["--memory-dir", str(tmp_path / "kept"), "--session", "film"]
            out = tmp_path / "answers.json"
            status = main(["replay", *map(str, words), *folder, "--json", str(out), "--log-level", "error"])
            if fails:
                return status
            assert status == 0
            return json.loads(out.read_text("utf-8"))

        return run

    def test_it_is_asked_without_the_video(self, lasting, video):
        watched = lasting(video)
        assert watched["frames"]["encoded"] > 0
        asked = lasting("--ask", "0:01 When is the meeting with Anna?")
        assert asked["frames"] == {"seen": 0, "encoded": 0, "dropped": 0}
        (answer,) = asked["answers"]
        assert any(moment["end_s"] < 6 for moment in answer["moments"])
        assert answer["asked_at_s"] == 1
        # What was said in the film, which nobody answered, then the question and its answer.
        assert asked["memory"]["blocks"] == watched["memory"]["blocks"] + 3

    def test_a_session_that_is_not_kept_is_not_made_up(self, lasting, tmp_path, capsys):
        assert lasting("--ask", "0:01 Well?", fails=True) == 1
        assert "film" in capsys.readouterr().err
        assert not (tmp_path / "kept" / "default" / "film").exists()

    @pytest.mark.parametrize(
        ("words", "param"),
        [
            ([], "VIDEO"),
            (["--session", "film", "--memory-dir", "kept"], "VIDEO"),
            (["--session", "film", "--ask", "0:01 Well?"], "--session"),
        ],
    )
    def test_what_is_missing_is_named(self, words, param, capsys):
        assert main(["replay", *words]) == 1
        assert param in capsys.readouterr().err
