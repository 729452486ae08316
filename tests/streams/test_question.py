import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import InvalidRequestError
from streams.question import TimedQuestion, parse_question, parse_time, read_questions

S = 1_000_000


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("00:00", 0),
        ("1:30", 90 * S),
        ("01:30.25", 90 * S + 250_000),
        ("120:00", 7_200 * S),
        ("1:02:03", 3_723 * S),
        (" 00:05 ", 5 * S),
    ],
)
def test_times(text, us):
    assert parse_time(text) == us


@pytest.mark.parametrize("text", ["", "5", "00:60", "00:5", "-1:00", "1:2:3:4", "00:05s", "ab:cd", "00:05."])
def test_what_is_no_time_is_quoted(text):
    with pytest.raises(InvalidRequestError, match="is not a time like 01:30") as caught:
        parse_time(text)
    assert f"'{text}'" in caught.value.message


def test_a_question_is_all_that_follows_the_time():
    assert parse_question(" 00:05  What is it:  a cat? ") == TimedQuestion(5 * S, "What is it:  a cat?")


@pytest.mark.parametrize("line", ["", "   ", "00:05", "00:05   ", "What is it?", "soon What is it?"])
def test_a_line_without_time_or_question_is_refused(line):
    with pytest.raises(InvalidRequestError):
        parse_question(line)


@given(st.text())
def test_any_line_is_a_question_or_an_error(line):
    try:
        question = parse_question(line)
    except InvalidRequestError:
        return
    assert question.at_us >= 0
    assert question.text.strip()


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_file_of_lines(write):
    file = write("q.txt", "# of the first picture\n00:05 What is it?\n\n1:00:00 And now?\n")
    assert read_questions(file) == [
        TimedQuestion(5 * S, "What is it?"),
        TimedQuestion(3_600 * S, "And now?"),
    ]


def test_a_file_of_json(write):
    records = [
        {"at": 5, "question": "a"},
        {"at": 0.5, "question": " b ", "about": "ignored"},
        {"at": "01:00", "question": "c"},
    ]
    file = write("q.json", json.dumps(records))
    expected = [TimedQuestion(5 * S, "a"), TimedQuestion(S // 2, "b"), TimedQuestion(60 * S, "c")]
    assert read_questions(file) == expected


def test_an_error_in_a_file_names_file_and_line(write):
    file = write("q.txt", "00:05 What is it?\nsoon And now?\n")
    with pytest.raises(InvalidRequestError) as caught:
        read_questions(file)
    assert caught.value.message == f"{file}:2: 'soon' is not a time like 01:30"


@pytest.mark.parametrize(
    "record",
    [
        5,
        {},
        {"at": 5},
        {"at": -1, "question": "a"},
        {"at": True, "question": "a"},
        {"at": None, "question": "a"},
        {"at": float("nan"), "question": "a"},
        {"at": float("inf"), "question": "a"},
        {"at": "soon", "question": "a"},
        {"at": 5, "question": "  "},
        {"at": "00:05", "question": ""},
        {"at": 5, "question": ["a"]},
    ],
    ids=str,
)
def test_an_error_in_json_names_file_and_place(write, record):
    file = write("q.json", json.dumps([{"at": 1, "question": "a"}, record]))
    with pytest.raises(InvalidRequestError) as caught:
        read_questions(file)
    assert caught.value.param == f"{file}[1]"
    assert f"{file}[1]" in caught.value.message


def test_files_that_are_not_readable_are_named(write, tmp_path):
    bad = tmp_path / "q.txt"
    bad.write_bytes(b"\xff\xfe")
    for file in (tmp_path / "none.txt", tmp_path, bad, write("a.json", "{"), write("b.json", "{}")):
        with pytest.raises(InvalidRequestError) as caught:
            read_questions(file)
        assert caught.value.param == str(file)
        assert str(file) in caught.value.message
