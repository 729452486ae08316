import argparse
import json

import pytest

from streams.bench import frames
from streams.bench.shapes import SHAPES
from streams.errors import ConfigError


@pytest.fixture
def measure(config, tmp_path, capsys):
    def run(*options):
        parser = argparse.ArgumentParser()
        frames.add_arguments(parser)
        file = tmp_path / "frames.json"
        llm = config.llm.model_copy(update={"device": "cpu"})
        args = parser.parse_args([*options, "--json", str(file)])
        assert frames.run(args, config.model_copy(update={"llm": llm})) == 0
        return json.loads(file.read_text())

    return run


def test_a_shape_is_measured_with_memory(measure):
    report = measure("--shape", "smolvlm2-500m", "--frames", "8", "--size", "64x48")
    assert [row["part"] for row in report["rows"]] == ["all", "first 2", "last 2"]
    for row in report["rows"]:
        seconds = (row["look_ms"] + row["read_ms"]) / 1e3
        assert row["frames_s"] == pytest.approx(1 / seconds)
    notes = " ".join(report["notes"])
    assert "smolvlm2-500m with random weights, cut to two layers" in notes
    assert "10 frames kept" in notes


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_has_the_parts_of_its_family(name):
    """Without its weights: that its configuration fits what is read of it."""
    shape = SHAPES[name]
    whole = shape.config(shape.layers, shape.eye_layers)
    assert whole.get_text_config().num_hidden_layers == shape.layers
    assert whole.vision_config.num_hidden_layers == shape.eye_layers


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (["--shape", "smolvlm2-500m", "--frames", "3"], "--frames"),
        (["--shape", "smolvlm2-500m", "--size", "64"], "--size"),
        (["--shape", "smolvlm2-500m", "--size", "0x9"], "--size"),
        (["--frames", "4"], "--model"),
    ],
)
def test_what_makes_no_sense_is_said(measure, options, param):
    with pytest.raises(ConfigError) as caught:
        measure(*options)
    assert caught.value.param == param
