from pathlib import Path

import pytest

from streams.benchmark.case import Case, Film, Outcome
from streams.benchmark.results import Results
from streams.errors import ConfigError

OF = {"benchmark": "x", "memory": {"window_tokens": 96}}


def film(name):
    case = Case(f"{name}:q", "t", "g", 5_000_000, "What?", "cat", ("cat", "dog"), 0)
    request = Case(f"{name}:r", "t", "g", 0, "Tell me.", "now", due_us=9_000_000)
    return Film(name, Path(f"{name}.mp4"), (case, request))


def outcomes(film):
    case, request = film.cases
    first = Outcome(case, "cat", 4_000_000, 0, (-1.25, -2.5), first_token_ms=12.0)
    return [first, Outcome(request, "now", 9_500_000, spoke_us=9_500_000)]


def test_what_was_written_is_there_again(tmp_path):
    path = tmp_path / "out" / "results.jsonl"
    one, two = film("one"), film("two")
    Results(path, OF).append(one, outcomes(one), {"frames": 7})
    again = Results(path, OF)
    assert one in again
    assert two not in again
    assert again.outcomes([two, one]) == outcomes(one)
    again.append(two, outcomes(two), {"frames": 5})
    whole = Results(path, OF)
    assert whole.outcomes([two, one]) == outcomes(two) + outcomes(one)
    assert whole.total("frames", [one, two]) == 12
    assert whole.total("frames", [two, film("three")]) == 5


def test_a_line_that_was_cut_off_is_done_again(tmp_path):
    path = tmp_path / "results.jsonl"
    one, two = film("one"), film("two")
    results = Results(path, OF)
    results.append(one, outcomes(one), {"frames": 7})
    results.append(two, outcomes(two), {"frames": 7})
    path.write_text(path.read_text()[:-20])
    again = Results(path, OF)
    assert one in again
    assert two not in again
    again.append(two, outcomes(two), {"frames": 7})
    assert two in Results(path, OF)


def test_what_was_whole_before_a_line_that_was_cut_off_is_not_written_again(tmp_path, monkeypatch):
    path = tmp_path / "results.jsonl"
    one, two = film("one"), film("two")
    results = Results(path, OF)
    results.append(one, outcomes(one), {})
    kept = path.read_bytes()
    results.append(two, [Outcome(two.cases[0], "Café.")], {})
    path.write_bytes(path.read_bytes()[: len(kept) + 40])
    monkeypatch.setattr(Path, "write_text", lambda *_: pytest.fail("the whole file is written"))
    assert one in Results(path, OF)
    assert path.read_bytes() == kept


def test_a_line_cut_off_inside_a_letter_is_done_again(tmp_path):
    path = tmp_path / "results.jsonl"
    one = film("one")
    Results(path, OF).append(one, [Outcome(one.cases[0], "é")], {})
    content = path.read_bytes()
    path.write_bytes(content[: content.index("é".encode()) + 1])
    assert one not in Results(path, OF)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c"])
def test_what_a_model_writes_may_hold_any_separator(separator, tmp_path):
    path = tmp_path / "results.jsonl"
    one = film("one")
    written = [Outcome(one.cases[0], f"a{separator}cat")]
    Results(path, OF).append(one, written, {})
    assert Results(path, OF).outcomes([one]) == written


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[1]", "is no JSON object"),
        ("7", "is no JSON object"),
        ('{"outcomes": []}', "film: Field required"),
        ('{"film": 3, "outcomes": []}', "film: Input should be a valid string"),
        ('{"film": "one"}', "outcomes: Field required"),
        ('{"film": "one", "outcomes": [{"id": "q"}]}', r"outcomes\[0\]\.answer: Field required"),
    ],
)
def test_a_line_of_another_shape_is_told(line, problem, tmp_path):
    path = tmp_path / "results.jsonl"
    Results(path, OF)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ConfigError, match=f"{path}:2:? {problem}"):
        Results(path, OF)


def test_a_file_of_something_else_is_told(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text("[]\n")
    with pytest.raises(ConfigError, match=f"{path}:1 is no JSON object"):
        Results(path, OF)


def test_results_of_other_settings_are_not_gone_on_with(tmp_path):
    path = tmp_path / "results.jsonl"
    Results(path, OF)
    with pytest.raises(ConfigError, match=r"other settings \(memory: .*96.*now .*32"):
        Results(path, {"benchmark": "x", "memory": {"window_tokens": 32}})


def test_a_broken_line_is_told(tmp_path):
    path = tmp_path / "results.jsonl"
    one = film("one")
    Results(path, OF).append(one, outcomes(one), {"frames": 7})
    path.write_text(path.read_text().replace('"film"', "film"))
    with pytest.raises(ConfigError, match=f"{path}:2 is not JSON"):
        Results(path, OF)
