import json
import sys

import pytest

from streams.cli import main


@pytest.fixture
def streams_bench(monkeypatch):
    """Runs the command line as a process would: the arguments of a bench are known by its name in them."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["streams", "bench", "memory", *words])
        return main()

    return run


def test_a_part_is_measured_printed_and_written(streams_bench, tmp_path, capsys):
    out = tmp_path / "out"
    assert streams_bench("--only", "crash", "--kills", "2", "--out", str(out), "--json", "-") == 0
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    counts = {row["what"]: row["count"] for row in report["rows"]}
    assert counts["kills"] == 2
    assert counts["sealed"] > 0
    assert counts["broken promises"] == 0
    assert "kill -9" in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize(("flag", "value"), [("--hours", "0"), ("--kills", "-1"), ("--questions", "0")])
def test_counts_that_make_no_sense_are_named(streams_bench, flag, value, capsys):
    assert streams_bench(flag, value) == 1
    assert flag in capsys.readouterr().err
