import json

import pytest

from streams.benchmark.case import Outcome
from streams.benchmark.formats import FORMATS
from streams.errors import ConfigError

S = 1_000_000
NAME = "streaming-bench"


def question(at="00:01:10", answer="B", **more):
    options = ["A. A dog.", "B. A cat.", "C. A cow.", "D. A hen."]
    asked = {"task_type": "Object Recognition", "question": "What is it?", "time_stamp": at}
    return asked | {"answer": answer, "options": options, "required_ability": "working memory"} | more


def entry(*questions, video="./videos/sample_1_real.mp4"):
    return {
        "time": "[0:01:00 - 0:02:00]",
        "video_path": video,
        "video_categories": "pets",
        "questions": [*questions],
    }


def proactive(**more):
    return {
        "task_type": "Proactive Output",
        "question": 'When the cat comes, output "Cat".',
        "time_stamp": "00:00:20",
        "ground_truth_time_stamp": "00:00:29",
        "ground_truth_output": "Cat",
        "required_ability": "working memory",
    } | more


def test_entries_of_one_video_are_one_film_asked_in_the_order_of_time(folder):
    folder.put("questions_real.json", [entry(question("00:02:00")), entry(question("00:01:10", "D"))])
    video = folder.video("real/videos/sample_1_real.mp4")
    (film,) = folder.read(NAME)
    assert (film.path, film.sequential) == (video, False)
    assert [case.at_us for case in film.cases] == [70 * S, 120 * S]
    first = film.cases[0]
    assert (first.question, first.task, first.group) == ("What is it?", "Object Recognition", "real")
    assert first.choices == ("A dog.", "A cat.", "A cow.", "A hen.")
    assert (first.right, first.answer) == (3, "A hen.")
    assert first.id == "questions_real.json:[1].questions[0]"


def test_the_sequential_set_is_a_list_of_lists_with_options_without_letters(folder):
    asked = question(task_type="Sequential Question Answering", answer="A", options=["4.", "2.", "8.", "6."])
    folder.put("questions_sqa.json", [[entry(asked, video="./videos/sample_1_sqa.mp4")]])
    folder.video("sample_1_sqa.mp4")
    (film,) = folder.read(NAME)
    assert film.sequential
    assert film.cases[0].choices == ("4.", "2.", "8.", "6.")
    assert film.cases[0].answer == "4."
    assert film.cases[0].id == "questions_sqa.json:[0][0].questions[0]"


def test_the_proactive_set_has_requests_with_the_time_they_are_due(folder):
    folder.put("questions_proactive.json", [entry(proactive(), video="a.mp4")])
    folder.video("a.mp4")
    (case,) = folder.read(NAME)[0].cases
    assert (case.at_us, case.due_us, case.answer, case.choices) == (20 * S, 29 * S, "Cat", ())


@pytest.mark.parametrize(
    ("asked", "place", "problem"),
    [
        (question("1.5 minutes"), "time_stamp", "is not a time"),
        (question(answer="E"), "answer", "'E' is none of A, B, C, D"),
        (question(answer=None), "answer", "is missing"),
        (question(task_type=""), "task_type", "at least 1 character"),
        (question(options="A"), "options", "valid tuple"),
        (proactive(ground_truth_output=None), "ground_truth_output", "is missing"),
        (proactive(ground_truth_time_stamp="00:00:10"), "ground_truth_time_stamp", "before the request"),
        ({"question": "What?"}, "task_type", "Field required"),
    ],
)
def test_what_is_wrong_is_told_by_file_entry_and_field(asked, place, problem, folder):
    file = folder.put("questions_real.json", [entry(question()), entry(question(), asked)])
    folder.video("sample_1_real.mp4")
    with pytest.raises(ConfigError) as wrong:
        folder.read(NAME)
    assert wrong.value.message.startswith(f"{file}: [1].questions[1].{place}")
    assert problem in wrong.value.message


def test_predictions_stand_beside_the_questions(folder, tmp_path):
    folder.put("questions_real.json", [entry(question(), question("00:01:30"))])
    folder.put("questions_proactive.json", [entry(proactive(), proactive(), video="a.mp4")])
    folder.video("sample_1_real.mp4")
    folder.video("a.mp4")
    request, missed, chosen, _ = (case for film in folder.read(NAME) for case in film.cases)
    outcomes = [
        Outcome(request, "There is a cat.", spoke_us=30 * S),
        Outcome(missed, ""),
        Outcome(chosen, "It is a cow.", chosen=2, likelihoods=(-3.0, -2.0, -1.0, -4.0)),
    ]
    files = FORMATS[NAME].write(folder.path, {each.case.id: each for each in outcomes}, tmp_path)
    written = {file.name: json.loads(file.read_text()) for file in files}
    answered, silent = (
        each["streams"] for each in written["streams_questions_proactive.json"][0]["questions"]
    )
    said = {"role": "assistant", "content": "There is a cat.", "time": 30.0}
    assert answered == {"answered": True, "dialog_history": [said]}
    assert silent == {"answered": False, "dialog_history": []}
    first, second = written["streams_questions_real.json"][0]["questions"]
    assert first == question() | {"streams": "C"}
    assert second == question("00:01:30")
