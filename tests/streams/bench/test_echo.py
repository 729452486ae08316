from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import pytest

from speech.hibari import HibariSynthesizer
from streams.bench.echo import add_arguments, run
from streams.bench.echo_room import Room
from streams.bench.echo_scene import Stage
from streams.config import load_config
from streams.errors import ConfigError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_a_room_delays_and_attenuates() -> None:
    for seed in range(10):
        room = Room.draw(np.random.default_rng(seed))
        assert 10 <= room.delay_ms < 500
        click = np.zeros(32_000, np.float32)
        click[100] = 1
        echo = room.echo(click)
        first = 100 + room.delay_ms * 16
        assert np.abs(echo[:first]).max() < 1e-6 < np.abs(echo[first])
        assert 10 * np.log10(np.sum(echo**2)) == pytest.approx(room.gain_db, abs=0.1)


def test_scenes_are_the_same_for_a_seed_and_differ_by_the_user_alone() -> None:
    stage = Stage(HibariSynthesizer())
    bare, again, talked = (stage.scene(np.random.default_rng(3), db, 1) for db in (None, None, 6.0))
    np.testing.assert_array_equal(bare.heard, again.heard)
    assert talked.user_us is not None
    differs = np.flatnonzero(bare.heard != talked.heard)
    begin, end = (us * 16 // 1_000 for us in talked.user_us)
    assert begin - 1 <= differs[0] <= differs[-1] <= end + 1
    assert bare.user_us is None


def test_the_table_and_its_json(tmp_path: Path) -> None:
    file = tmp_path / "echo.json"
    assert run(parse("--rooms", "2", "--json", str(file)), load_config(environ=os.environ)) == 0
    rows = {row["condition"]: row for row in json.loads(file.read_text("utf-8"))["rows"]}
    assert rows["echo, no gate"]["false_starts"] > rows["echo"]["false_starts"]
    assert rows["user +12 dB, last reply"]["missed"] == 0
    assert all(row["scenes"] == 2 for row in rows.values())


@pytest.mark.parametrize("flag", ["--rooms=0", "--seed=-1"])
def test_figures_out_of_bounds(flag: str) -> None:
    with pytest.raises(ConfigError) as error:
        run(parse(flag), load_config(environ=os.environ))
    assert error.value.param == flag.partition("=")[0]
