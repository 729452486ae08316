from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from streams.bench.sentences import SENTENCES
from streams.bench.speech import add_arguments, run
from streams.config import load_config
from streams.errors import ConfigError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_there_are_sentences_enough() -> None:
    assert len(set(SENTENCES)) >= 30


def test_the_table_and_its_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speech.json"
    args = parse("--sentences", "2", "--noise-seconds", "10", "--json", str(file))
    assert run(args, load_config(environ=os.environ)) == 0
    report = json.loads(file.read_text("utf-8"))
    speech, noise = report["rows"][:4], report["rows"][4:]
    assert [row["condition"] for row in noise] == ["silence", "white noise", "pink noise"]
    for row in speech:
        assert row["streaming_wer"] <= row["offline_wer"] + 0.15
        assert row["unheard"] == 0
        assert row["final_ms_median"] >= row["wait_ms_median"] > 300
    assert all(row["streaming_false_words"] == row["offline_false_words"] == 0 for row in noise)
    assert "silence" in capsys.readouterr().out


@pytest.mark.parametrize("count", ["0", "1000"])
def test_a_number_of_sentences_that_there_is_not(count: str) -> None:
    with pytest.raises(ConfigError) as error:
        run(parse("--sentences", count), load_config(environ=os.environ))
    assert error.value.param == "--sentences"
