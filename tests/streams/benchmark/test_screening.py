"""A real film (a cup of coffee, then a cat) streamed on the real models and asked about."""

import json
from dataclasses import replace
from typing import ClassVar

import pytest

from gateway.assembly import Streams
from llm.reader import Reader
from streams.benchmark.screening import Screening
from streams.cli import main

S = 1_000_000
CAT_S = 6
CHOICES = ["a cup of coffee", "a cat", "a motorcycle", "a guitar"]


def talk(question, at_s, answer):
    return {"question": question, "answer": answer, "end_time": at_s, "choices": CHOICES}


TALKS = [
    talk("What do you see now?", 11, "a cat"),
    talk("What do you see now?", CAT_S, "a cup of coffee"),
    talk("What did you see first?", 30, "a cup of coffee"),
]


class Kept(Streams):
    """Outlives a command, so that models are loaded once."""

    def close(self):
        pass


class Watched(Screening):
    """Keeps what the stream held when each question was asked."""

    held: ClassVar[list] = []

    def _answer(self, stream, case):
        memory = stream.memory
        infos = [*memory.sealed(), *(block.info for block in memory.recent())]
        self.held.append((case.at_us, [(info.kind.value, info.start_us, info.text) for info in infos]))
        return super()._answer(stream, case)


@pytest.fixture
def replay(monkeypatch, streams, config, folder, capsys):
    """Runs ``streams replay --benchmark`` on the models that are loaded already."""
    update = {"llm": config.llm.model_copy(update={"max_output_tokens": 12})}
    service = Kept(config.model_copy(update=update), streams.backend)
    monkeypatch.setattr("streams.benchmark.run.Streams.load", lambda config: service)
    monkeypatch.setattr("streams.benchmark.run.Screening", Watched)
    monkeypatch.setattr(Watched, "held", [])

    def run(name, *words):
        status = main(["replay", "--benchmark", name, str(folder.path), *map(str, words)])
        return status, *(" ".join(text.split()) for text in capsys.readouterr())

    return run


def test_questions_are_asked_at_their_times_and_nothing_is_read_ahead(replay, folder, film, tmp_path):
    folder.put("test_mc.json", [entry("film", TALKS)])
    folder.video("film.mp4", film)
    status, _, _ = replay("qaego4d-mc", "--out", tmp_path / "out", "--json", tmp_path / "r.json")
    assert status == 0
    first, second, last = Watched.held
    assert [at_us for at_us, _ in Watched.held] == [6 * S, 11 * S, 30 * S]
    for at_us, held in Watched.held:
        assert held
        assert all(start_us < at_us for _, start_us, _ in held)
    assert "cat" not in str(first)
    assert "cat" in str(second)
    # Nothing of the questions, nor of the answers, is there for those that come after.
    assert {kind for kind, _, _ in last[1]} == {"frame"}

    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    assert lines[0]["benchmark"] == "qaego4d-mc"
    assert [each["id"] for each in lines[1]["outcomes"]] == [
        f"test_mc.json:[0].conversations[{place}]" for place in (1, 0, 2)
    ]
    assert lines[1]["outcomes"][0]["seen_s"] < CAT_S <= lines[1]["outcomes"][1]["seen_s"] < 11
    assert all(len(each["likelihoods"]) == len(CHOICES) for each in lines[1]["outcomes"])
    assert lines[1]["outcomes"][0]["chosen"] == 0

    (row,) = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert (row["task"], row["questions"]) == ("choice", 3)
    chosen = [each["chosen"] for each in lines[1]["outcomes"]]
    assert row["likelihood"] == pytest.approx(sum(map(int.__eq__, chosen, (0, 1, 0))) / 3)
    assert (tmp_path / "out/qaego4d-mc.csv").read_text().count("\n") == 4


def entry(name, talks):
    return {"video_id": name, "video_path": f"{name}.mp4", "duration": 12, "conversations": talks}


def test_a_run_goes_on_where_it_stopped_and_passes_over_films_that_cannot_be_read(
    replay, folder, film, tmp_path
):
    folder.put("test_mc.json", [entry("good", TALKS[:1]), entry("bad", TALKS[:1]), entry("away", TALKS)])
    folder.video("good.mp4", film)
    folder.video("bad.mp4")
    assert "there is no video 'away.mp4'" in replay("qaego4d-mc", "--out", tmp_path)[2]
    status, out, err = replay("qaego4d-mc", "--available", "--out", tmp_path)
    assert status == 1
    assert "not a media file, or is truncated" in err
    assert "failed: 1; left out, for the video is not there: 1" in out
    assert len(Watched.held) == 1

    folder.video("bad.mp4", film)
    status, out, err = replay("qaego4d-mc", "--available", "--out", tmp_path)
    assert status == 0
    assert "2 films, 1 of them done before" in err
    assert len(Watched.held) == 2
    status, out, _ = replay("qaego4d-mc", "--available", "--out", tmp_path)
    assert status == 0
    assert len(Watched.held) == 2
    status, _, err = replay("qaego4d-mc", "--available", "--choices", "letters", "--out", tmp_path)
    assert status == 1
    assert "results of other settings (letters: False, now True)" in err


def test_letters_are_weighed_when_that_is_asked_for(replay, folder, film, tmp_path):
    folder.put("test_mc.json", [entry("film", TALKS[:1])])
    folder.video("film.mp4", film)
    status, out, _ = replay("qaego4d-mc", "--choices", "letters", "--out", tmp_path)
    assert status == 0
    assert "Letters of choices are weighed" in out
    (outcome,) = json.loads((tmp_path / "results.jsonl").read_text().splitlines()[1])["outcomes"]
    assert len(outcome["likelihoods"]) == 4


def streaming_question(at, task, answer="B"):
    asked = {"task_type": task, "question": "What do you see now?", "time_stamp": at}
    return asked | {"answer": answer, "options": CHOICES}


def test_in_a_sequential_film_questions_and_answers_are_remembered(replay, folder, film, tmp_path):
    questions = [
        streaming_question("00:00:05", "sequential", "A"),
        streaming_question("00:00:10", "sequential"),
    ]
    folder.put("questions_sqa.json", [[{"video_path": "a.mp4", "questions": questions}]])
    folder.video("a.mp4", film)
    assert replay("streaming-bench", "--out", tmp_path)[0] == 0
    first, second = Watched.held
    assert {kind for kind, _, _ in first[1]} == {"frame"}
    said = [text for kind, _, text in second[1] if kind != "frame"]
    assert said == ["What do you see now?", "a cup of coffee"]


def test_a_standing_request_ends_when_it_is_answered_or_long_overdue(replay, folder, film, tmp_path):
    def request(at, due):
        asked = {"task_type": "Proactive Output", "question": "Tell me when you see a cat.", "time_stamp": at}
        return asked | {"ground_truth_time_stamp": due, "ground_truth_output": "cat"}

    questions = [request("00:00:01", "00:00:03"), request("00:00:05", "00:00:06")]
    folder.put("questions_proactive.json", [{"video_path": "a.mp4", "questions": questions}])
    folder.video("a.mp4", film)
    assert replay("streaming-bench", "--out", tmp_path)[0] == 0
    _, line = (tmp_path / "results.jsonl").read_text().splitlines()
    outcomes = json.loads(line)["outcomes"]
    assert len(outcomes) == 2
    for outcome, due_s in zip(sorted(outcomes, key=lambda each: each["id"]), (3, 6), strict=True):
        if outcome["spoke_s"] is None:
            assert outcome["answer"] == ""
        else:
            assert outcome["spoke_s"] == outcome["seen_s"] <= due_s + 4
            assert outcome["answer"]


def speaking(service, threshold):
    """``service`` on a model that is taken to tell when to speak."""
    reader = service.backend.reader
    trained = Reader(
        reader.backbone,
        reader.chat,
        reader.config,
        with_primer=reader.with_primer,
        embedder=reader.embedder,
        speak_threshold=threshold,
    )
    return Kept(service.config, replace(service.backend, reader=trained))


def standing(at_s):
    at = f"00:00:{at_s:02}"
    asked = {"task_type": "Proactive Output", "question": "Tell me when you see a cat.", "time_stamp": at}
    return asked | {"ground_truth_time_stamp": at, "ground_truth_output": "cat"}


# At 6 s comes the cat. Ten are more than may stand at once, but for those that are long overdue.
@pytest.mark.parametrize(
    ("threshold", "times", "refused"),
    [(1e-9, (5, 5), 0), (1 - 1e-9, (1,) * 5 + (8,) * 5, 0), (1e-9, (5,) * 10, 2)],
)
def test_requests_of_the_session_are_answered_in_step_with_the_film_or_given_up_or_refused(
    threshold, times, refused, replay, folder, film, tmp_path, monkeypatch, streams, config
):
    settings = config.model_copy(update={"llm": config.llm.model_copy(update={"max_output_tokens": 4})})
    service = speaking(Streams(settings, streams.backend), threshold)
    monkeypatch.setattr("streams.benchmark.run.Streams.load", lambda config: service)
    questions = [standing(at_s) for at_s in times]
    folder.put("questions_proactive.json", [{"video_path": "a.mp4", "questions": questions}])
    folder.video("a.mp4", film)
    status, out, err = replay("streaming-bench", "--out", tmp_path)
    assert status == 0, err
    assert f"lost on the way: 0; requests refused: {refused};" in out
    assert err.count("8 standing requests are as many as there may be") == refused
    outcomes = json.loads((tmp_path / "results.jsonl").read_text().splitlines()[1])["outcomes"]
    assert len(outcomes) == len(times)
    spoke = [each["spoke_s"] for each in outcomes if each["spoke_s"] is not None]
    if threshold > 0.5:
        assert spoke == []
    else:
        assert CAT_S <= min(spoke) <= CAT_S + 1


def test_a_film_that_goes_wrong_does_not_end_the_others(replay, folder, film, tmp_path):
    # Too long to be weighed at all.
    endless = {**TALKS[0], "answer": "a cat " * 120, "choices": ["a cat " * 120, "a dog"]}
    folder.put("test_mc.json", [entry("bad", [endless]), entry("good", TALKS[1:2])])
    folder.video("bad.mp4", film)
    folder.video("good.mp4", film)
    status, out, _ = replay("qaego4d-mc", "--out", tmp_path)
    assert status == 1
    assert "1 films" in out
    assert "failed: 1" in out


def test_a_benchmark_takes_no_questions_of_its_own(replay, folder):
    status, _, err = replay("qaego4d-mc", "--ask", "00:01 What?")
    assert status == 1
    assert "brings its own questions" in err
