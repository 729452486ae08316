import json

import pytest

from streams.benchmark.case import Outcome
from streams.benchmark.formats import FORMATS
from streams.errors import ConfigError

S = 1_000_000
NAME = "ovo-bench"
FILE = "ovo_bench_new.json"


def choice(**more):
    asked = {"id": 1, "task": "EPM", "video": "Ego4D/clips/a.mp4", "realtime": 215, "gt": 2}
    return asked | {"question": "Who was it?", "answer": "you", "options": ["he", "she", "you"]} | more


def counting(**more):
    tests = [{"realtime": 12.5, "count": 0}, {"realtime": 30, "count": 2}]
    asked = {"id": 2, "task": "REC", "video": "Ego4D/clips/a.mp4", "activity": "jump"}
    return asked | {"start_times": [13, 20], "end_times": [15, 22], "test_info": tests} | more


def stepping(**more):
    tests = [{"realtime": 5, "type": 0, "step": "cut bread"}, {"realtime": 9, "type": 1, "step": "cut bread"}]
    asked = {"id": 3, "task": "SSR", "video": "Ego4D/clips/a.mp4", "tutorial": "toast"}
    return asked | {"start_time": [8], "end_time": [11], "test_info": tests} | more


def clue(**more):
    tests = [{"realtime": 40, "type": 0}, {"realtime": 50, "type": 1}]
    asked = {"id": 4, "task": "CRR", "video": "Ego4D/clips/a.mp4", "ask_time": 35, "clue_time": 45}
    return asked | {"question": "Who won?", "answer": "I", "test_info": tests} | more


def test_questions_and_tests_of_one_video_are_asked_in_the_order_of_time(folder):
    folder.put(FILE, [choice(), counting(), stepping(), clue()])
    video = folder.video("videos/Ego4D/clips/a.mp4")
    (film,) = folder.read(NAME)
    assert film.path == video
    assert [(case.task, case.at_us / S, case.answer) for case in film.cases] == [
        ("SSR", 5, "No"),
        ("SSR", 9, "Yes"),
        ("REC", 12.5, "0"),
        ("REC", 30, "2"),
        ("CRR", 40, "No"),
        ("CRR", 50, "Yes"),
        ("EPM", 215, "you"),
    ]
    assert [case.group for case in film.cases] == ["forward"] * 6 + ["backward"]
    assert film.cases[-1].choices == ("he", "she", "you")
    assert "cut bread" in film.cases[0].question
    assert "jump" in film.cases[2].question
    assert "Who won?" in film.cases[4].question
    assert film.cases[4].evidence == ()  # the clue had not come
    assert film.cases[5].evidence == ((45 * S, 45 * S),)


@pytest.mark.parametrize(
    ("entry", "place", "problem"),
    [
        (choice(task="XYZ"), "[0].task", "'XYZ' is none of"),
        (choice(gt=3), "[0].gt", "3 is the place of none"),
        (choice(options=None), "[0].options", "is missing"),
        (choice(realtime="soon"), "[0].realtime", "in seconds"),
        (choice(realtime=-1), "[0].realtime", "a time between 0 and"),
        (choice(realtime=float("inf")), "[0].realtime", "a time between 0 and"),
        (choice(realtime=float("nan")), "[0].realtime", "a time between 0 and"),
        (choice(realtime=10**400), "[0].realtime", "a time between 0 and"),
        (counting(activity=""), "[0].activity", "is missing"),
        (counting(test_info=[{"realtime": 3}]), "[0].test_info[0].count", "is missing"),
        (stepping(test_info=[{"realtime": 3, "type": 1}]), "[0].test_info[0].step", "is missing"),
        (clue(test_info=[{"realtime": 3, "type": 2}]), "[0].test_info[0].type", "less than or equal to 1"),
        (clue(test_info=[]), "[0].test_info", "is missing"),
        (clue(question=None), "[0].question", "is missing"),
    ],
)
def test_what_is_wrong_is_told_by_file_entry_and_field(entry, place, problem, folder):
    file = folder.put(FILE, [entry])
    folder.video("a.mp4")
    with pytest.raises(ConfigError) as wrong:
        folder.read(NAME)
    assert wrong.value.message.startswith(f"{file}: {place}: ")
    assert problem in wrong.value.message


@pytest.mark.parametrize(
    ("entry", "place"), [(choice(task="XYZ"), "[1].task"), (counting(test_info=None), "[1].test_info")]
)
def test_entries_are_checked_though_their_video_is_left_out(entry, place, folder):
    file = folder.put(FILE, [choice(), entry | {"video": "elsewhere.mp4"}])
    folder.video("a.mp4")
    with pytest.raises(ConfigError) as wrong:
        folder.read(NAME, available=True)
    assert wrong.value.message.startswith(f"{file}: {place}: ")


def test_of_what_is_left_out_there_are_no_predictions(folder, tmp_path):
    folder.put(FILE, [counting(video="elsewhere.mp4"), choice()])
    folder.video("a.mp4")
    ((case,),) = [film.cases for film in folder.read(NAME, available=True)]
    (file,) = FORMATS[NAME].write(folder.path, {case.id: Outcome(case, "she", chosen=1)}, tmp_path)
    found = json.loads(file.read_text())
    assert (len(found["backward"]), found["forward"]) == (1, [])


def test_predictions_are_as_its_scoring_reads_them(folder, tmp_path):
    folder.put(FILE, [choice(), choice(id=9, task="OCR"), counting(), stepping()])
    folder.video("a.mp4")
    cases = {case.id: case for film in folder.read(NAME) for case in film.cases}
    chosen = cases[f"{FILE}:[0]"]
    count = cases[f"{FILE}:[2].test_info[1]"]
    step = cases[f"{FILE}:[3].test_info[0]"]
    outcomes = [Outcome(chosen, "she", chosen=1), Outcome(count, "2 times"), Outcome(step, "", chosen=1)]
    (file,) = FORMATS[NAME].write(folder.path, {each.case.id: each for each in outcomes}, tmp_path)
    found = json.loads(file.read_text())
    (backward,) = found["backward"]
    assert (backward["id"], backward["response"], backward["ground_truth"]) == (1, "B", "C")
    assert found["realtime"] == []  # nobody asked
    assert [test["response"] for test in found["forward"][0]["test_info"]] == [None, "2 times"]
    assert found["forward"][1]["test_info"][0]["response"] == "Yes"
