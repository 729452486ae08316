import argparse
import json
import os
import subprocess
import sys

import pytest

from gateway.models import SAMPLE
from streams.commands import models
from streams.config import ModelsConfig, StreamsConfig
from streams.errors import ModelNotFoundError
from streams.models.cache import ModelCache


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(prog="streams models")
    models.add_arguments(parser)
    return parser


@pytest.fixture
def config(tmp_path):
    """A cache that holds stand-ins for the sample media and nothing else."""

    def build(folder):
        for source in SAMPLE.sources:
            for member in source.members:
                (folder / member.rpartition("/")[2]).write_text(member)

    ModelCache(tmp_path).publish(SAMPLE, build)
    return StreamsConfig(models=ModelsConfig(cache_dir=tmp_path))


def test_list_shows_every_role_and_its_state(parser, config, capsys, tmp_path):
    assert models.run(parser.parse_args(["list"]), config) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert {"llm", "asr", "vision", "tts", "vad", "sample"} <= set(rows)
    assert "absent" in rows["llm"]
    assert "272.6 MB" in rows["llm"]
    assert "ready" in rows["sample"]
    assert str(tmp_path) in out


def test_list_as_json(parser, config, capsys, tmp_path):
    models.run(parser.parse_args(["list", "--json"]), config)
    records = {record["role"]: record for record in json.loads(capsys.readouterr().out)}
    assert records["llm"]["state"] == "absent"
    assert records["llm"]["licence"] == "Apache-2.0"
    assert records["sample"]["path"] == str(tmp_path / "embedded" / SAMPLE.key)
    assert records["tts"]["kind"] == "bundled"
    assert records["tts"]["path"] is None


def test_verify_names_bad_files_and_how_to_mend_them(parser, config, capsys, tmp_path):
    args = parser.parse_args(["verify", "sample", "tts"])
    assert models.run(args, config) == 0
    (tmp_path / "embedded" / SAMPLE.key / "coffee.png").write_text("skimage/data/toffee.png")
    assert models.run(args, config) == 1
    out = capsys.readouterr().out
    assert "coffee.png: SHA-256" in out
    assert "streams models pull sample" in out


def test_pull_of_what_is_there_prints_where(parser, config, capsys, tmp_path):
    assert models.run(parser.parse_args(["pull", "sample", "vad"]), config) == 0
    sample, vad = capsys.readouterr().out.splitlines()
    assert sample.endswith(str(tmp_path / "embedded" / SAMPLE.key))
    assert "part of the installation" in vad


def test_an_unknown_role_is_refused(parser, config):
    with pytest.raises(ModelNotFoundError, match="no role 'nose'"):
        models.run(parser.parse_args(["pull", "nose"]), config)


def test_listing_imports_no_model_library(tmp_path):
    code = (
        "import argparse, sys; from streams.commands import models; from streams.config import load_config;"
        "parser = argparse.ArgumentParser(); models.add_arguments(parser);"
        "models.run(parser.parse_args(['list']), load_config());"
        "heavy = {'torch', 'transformers', 'timm', 'faster_whisper'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    environ = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
