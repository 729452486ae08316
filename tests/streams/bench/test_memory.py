import json

import pytest

from streams.cli import main


def test_a_part_is_measured_printed_and_written(tmp_path, capsys):
    out = tmp_path / "out"
    words = ["bench", "memory", "--only", "crash", "--kills", "2", "--out", str(out), "--json", "-"]
    assert main(words) == 0
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    counts = {row["what"]: row["count"] for row in report["rows"]}
    assert counts["kills"] == 2
    assert counts["sealed"] > 0
    assert counts["broken promises"] == 0
    assert "kill -9" in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize(("flag", "value"), [("--hours", "0"), ("--kills", "-1"), ("--questions", "0")])
def test_counts_that_make_no_sense_are_named(flag, value, capsys):
    assert main(["bench", "memory", flag, value]) == 1
    assert flag in capsys.readouterr().err
