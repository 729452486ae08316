from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from streams.bench.turns import add_arguments, run
from streams.config import load_config
from streams.errors import ConfigError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_the_tables_and_their_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "turns.json"
    assert run(parse("--utterances", "4", "--json", str(file)), load_config(environ=os.environ)) == 0
    modes, kinds = json.loads(file.read_text("utf-8"))["reports"]
    rows = {row["mode"]: row for row in modes["rows"]}
    server = [row for name, row in rows.items() if name.startswith("server")]
    # The longer the silence, the later the end and the fewer the cut-offs.
    assert [row["median_ms"] for row in server] == sorted(row["median_ms"] for row in server)
    assert [row["cutoffs"] for row in server] == sorted((row["cutoffs"] for row in server), reverse=True)
    assert server[0]["cutoffs"] > 0
    assert rows["semantic_vad low"]["cutoffs"] <= rows["semantic_vad auto"]["cutoffs"] < server[0]["cutoffs"]
    assert sum(row["utterances"] for row in kinds["rows"]) == 4
    assert "At the same median delay" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flag", ["--utterances=0", "--seed=-1", "--sound-ms=-1", "--words-ms=-1"], ids=lambda flag: flag[2:]
)
def test_figures_out_of_bounds(flag: str) -> None:
    with pytest.raises(ConfigError) as error:
        run(parse(flag), load_config(environ=os.environ))
    assert error.value.param == flag.partition("=")[0]
