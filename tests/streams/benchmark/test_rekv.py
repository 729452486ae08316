import csv

import pytest

from streams.benchmark.case import Outcome
from streams.benchmark.formats import FORMATS
from streams.errors import ConfigError

S = 1_000_000


def talk(**more):
    asked = {"question": "What did I cut?", "answer": "an onion", "start_time": 10, "end_time": 20.5}
    return asked | more


def entry(*talks, **more):
    return {
        "video_id": "v1",
        "video_path": "data/v1.mp4",
        "duration": 300.0,
        "conversations": [*talks],
    } | more


@pytest.mark.parametrize(("name", "file"), [("rvs-ego", "ego4d_oe.json"), ("rvs-movie", "movienet_oe.json")])
def test_open_questions_are_asked_at_their_end(name, file, folder):
    folder.put(file, [entry(talk(end_time=40), talk())])
    folder.video("v1.mp4")
    (film,) = folder.read(name)
    assert film.name == "v1.mp4"
    first, second = film.cases
    assert (first.at_us, second.at_us) == (20_500_000, 40 * S)
    assert (first.answer, first.choices, first.evidence) == ("an onion", (), ((10 * S, 20_500_000),))


def test_choices_come_with_windows_and_the_end_of_the_video_where_no_time_is_given(folder):
    asked = talk(choices=["an egg", "an onion"], temporal_windows=[[3, 5], [7, 8]])
    del asked["start_time"], asked["end_time"]
    folder.put("qaego4d/test_mc.json", [entry(asked)])
    folder.video("v1.mp4")
    (case,) = folder.read("qaego4d-mc")[0].cases
    assert (case.at_us, case.right) == (300 * S, 1)
    assert case.evidence == ((3 * S, 5 * S), (7 * S, 8 * S))


@pytest.mark.parametrize(
    ("wrong_entry", "place", "problem"),
    [
        (entry(talk(question="")), "conversations[0].question", "at least 1 character"),
        (entry(talk(choices=["an egg"])), "conversations[0].answer", "none of the choices"),
        (entry(talk()), "conversations[0].choices", "is missing"),
        (
            entry(talk(end_time=None, choices=["an onion"]), duration=None),
            "conversations[0].end_time",
            "dura",
        ),
        (entry(talk(), duration=1e305), "duration", "less than or equal to"),
        (entry(talk(end_time=1e999)), "conversations[0].end_time", "a time between 0 and"),
        (entry(talk(temporal_windows=[[1]])), "conversations[0].temporal_windows[0][1]", "Field required"),
        (entry(video_path="elsewhere.mp4"), "video_path", "there is no video 'elsewhere.mp4'"),
    ],
)
def test_what_is_wrong_is_told_by_file_entry_and_field(wrong_entry, place, problem, folder):
    file = folder.put("test_mc.json", [entry(), wrong_entry])
    folder.video("v1.mp4")
    with pytest.raises(ConfigError) as wrong:
        folder.read("qaego4d-mc")
    assert wrong.value.message.startswith(f"{file}: [1].{place}: ")
    assert problem in wrong.value.message


def test_predictions_are_a_table(folder, tmp_path):
    folder.put("test_mc.json", [entry(talk(choices=["an egg", "an onion"]), talk(choices=["an onion"]))])
    folder.video("v1.mp4")
    first, _ = folder.read("qaego4d-mc")[0].cases
    outcome = Outcome(first, "It was an egg.", chosen=0, likelihoods=(-1.0, -2.0))
    (file,) = FORMATS["qaego4d-mc"].write(folder.path, {first.id: outcome}, tmp_path)
    (row,) = csv.DictReader(file.open())
    assert row["video_id"] == "v1"
    assert (row["correct_choice"], row["pred_choice"], row["qa_acc"]) == ("B", "A", "0.0")
    assert row["pred_answer"] == "It was an egg."


def test_open_predictions_come_with_their_scores(folder, tmp_path):
    folder.put("ego4d_oe.json", [entry(talk())])
    folder.video("v1.mp4")
    (case,) = folder.read("rvs-ego")[0].cases
    answered = {case.id: Outcome(case, "You cut an onion")}
    (file,) = FORMATS["rvs-ego"].write(folder.path, answered, tmp_path)
    (row,) = csv.DictReader(file.open())
    assert (row["pred_answer"], row["recall"], row["f1"]) == ("You cut an onion", "1.0", "0.5")
