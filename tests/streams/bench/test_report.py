from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.bench.report import Column, Report, emit
from streams.errors import ConfigError

REPORT = Report(
    "Speed",
    (Column("name", "what"), Column("rate", "tokens/s", ".1f")),
    ({"name": "lean", "rate": 70.25, "hidden": 3}, {"name": "other"}),
    ("measured [here]",),
)


def test_the_table_shows_the_columns_and_the_notes(capsys: pytest.CaptureFixture[str]) -> None:
    emit(REPORT)
    out = capsys.readouterr().out
    for text in ("Speed", "tokens/s", "70.2", "–", "measured [here]"):
        assert text in out


def test_json_alone_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    emit(REPORT, "-")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "title": "Speed",
        "columns": ["name", "rate"],
        "rows": [{"name": "lean", "rate": 70.25, "hidden": 3}, {"name": "other"}],
        "notes": ["measured [here]"],
    }
    assert "tokens/s" in captured.err


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        emit(REPORT, str(tmp_path / "nowhere" / "file.json"))
