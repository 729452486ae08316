"""``streams train`` from a folder of one's own to weights that the engine loads."""

import argparse
import json

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import load_file

from llm.adapter import A, B, load_adapter, save_adapter, weights_mark
from llm.connector import load_connector, save_connector
from llm.loading import load_backbone
from llm.sight import ADAPTER, CONNECTOR, load_sight
from streams.config import LlmConfig
from streams.errors import ConfigError, ModelError, ModelNotFoundError
from streams.train.living import Living
from streams.train.run import run
from streams.train.seeing import Seeing

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 40, 210)}
RECIPE = """
[data]
photograph_crops = 0
[seeing]
steps = 4
batch = 8
width = 16
layers = 1
rank = 2
save_every = 2
[living]
steps = 2
dialogues_per_step = 1
rank = 2
workers = 1
save_every = 1
[run]
cache = "{cache}"
threads = 1
dtype = "float32"
"""


def write(file, objects):
    file.write_text("".join(json.dumps(each) + "\n" for each in objects), "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Nine pictures to train on and three to validate on, and a stream of each split."""
    folder, pictures, dialogues = tmp_path_factory.mktemp("own"), [], []
    for split, count in (("train", 3), ("validation", 1)):
        frames = []
        for colour, rgb in COLOURS.items():
            for number in range(count):
                name = f"{split}-{colour}-{number}.png"
                pixels = np.full((96, 128, 3), 240, np.uint8)
                pixels[20:60, 10 + 20 * number : 50 + 20 * number] = rgb
                PIL.Image.fromarray(pixels).save(folder / name)
                thing = {"name": f"{colour} box", "colour": colour, "place": "left"}
                pictures.append({"file": name, "split": split, "things": [thing]})
            frames.append([2.0 * len(frames), name])
        alert = {
            "at": 0.5,
            "topic": "alert",
            "text": "Tell me of a blue box.",
            "replies": [[4, "A blue box."]],
        }
        now = {"at": 2.5, "topic": "now", "text": "What is this?", "replies": [[2.5, "A green box."]]}
        dialogues.append({"split": split, "frames": frames, "turns": [alert, now]})
    write(folder / "pictures.jsonl", pictures)
    write(folder / "dialogues.jsonl", dialogues)
    return folder


@pytest.fixture
def train(folder, config, tmp_path):
    """Runs the command into a folder of this name, by the recipe with one text replaced by another."""
    threads = torch.get_num_threads()

    def call(name, change=("", ""), start=None):
        text = RECIPE.format(cache=tmp_path / "cache").replace(*change)
        (tmp_path / "recipe.toml").write_text(text, "utf-8")
        recipe, out = tmp_path / "recipe.toml", tmp_path / name
        assert (
            run(argparse.Namespace(recipe=recipe, data=folder, out=out, start=start, device=None), config)
            == 0
        )
        return out

    yield call
    torch.set_num_threads(threads)


def stop_at(stage, number, monkeypatch):
    """As Ctrl-C does."""
    step = stage.step

    def stopped(self, at):
        if at == number:
            raise KeyboardInterrupt
        return step(self, at)

    monkeypatch.setattr(stage, "step", stopped)


def test_a_run_that_is_stopped_twice_ends_at_weights_that_load(train, models, tmp_path, capsys):
    whole = train("whole")
    assert capsys.readouterr().out.split() == [str(whole / CONNECTOR), str(whole / ADAPTER)]
    for stage, number in ((Seeing, 3), (Living, 1)):
        with pytest.MonkeyPatch.context() as patch:
            stop_at(stage, number, patch)
            with pytest.raises(KeyboardInterrupt):
                train("parts")
        assert not (tmp_path / "parts" / ADAPTER).exists()
    parts = train("parts")
    for name in (CONNECTOR, ADAPTER):
        ours, theirs = load_file(parts / name), load_file(whole / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())
    sight = load_sight(parts)
    assert {"red box", "green box", "blue box"} < set(sight.connector.config.names)
    assert sight.adapter.speak_threshold is None  # two steps do not teach when to speak
    assert any(bool(up.any()) for _, up in sight.adapter.pairs.values())
    llm = models.resolve("llm").path
    assert load_backbone(llm, LlmConfig(device="cpu"), sight.adapter).spec.hidden == 576


def test_a_finished_run_is_not_gone_on_with_by_another_recipe(train):
    train("out", ("steps = 2", "steps = 0"))
    with pytest.raises(ConfigError, match=r"seeing\.ckpt is of .*: seeing\.width was 16 there and is 24 now"):
        train("out", ("width = 16", "width = 24"))


def test_finished_weights_are_taken_by_what_made_them_alone(
    train, folder, models, tmp_path, monkeypatch, caplog
):
    """Without their checkpoints too; of a finished run nothing is worked out again."""
    monkeypatch.setattr(Living, "evaluate", lambda stage: {"speaking.threshold": 0.42})
    out = train("out", ("steps = 2", "steps = 0"))
    adapter = load_adapter(out / ADAPTER)
    assert adapter.speak_threshold == 0.42
    (file,) = models.resolve("llm").path.glob("*.safetensors")
    weights = load_file(file)
    assert adapter.base_weights == weights_mark(weights, adapter.pairs)
    (out / "seeing.ckpt").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("streams.train.run.Data", None)
        with caplog.at_level("INFO"):
            train("out", ("steps = 2", "steps = 0"))
        assert "finished before" in caplog.text
        refused = r"connector\.safetensors is of another recipe: "
        with pytest.raises(ConfigError, match=refused + r"seeing\.width was 16 there and is 24 now"):
            train("out", ("width = 16", "width = 24"))
        own = folder / "pictures.jsonl"
        before = own.read_text("utf-8")
        try:
            own.write_text(before.replace("blue box", "blue thing"), "utf-8")
            with pytest.raises(ConfigError, match=refused + r"data\.folder/pictures\.jsonl was "):
                train("out", ("steps = 2", "steps = 0"))
        finally:
            own.write_text(before, "utf-8")
        own = folder / "dialogues.jsonl"
        before = own.read_text("utf-8")
        try:
            own.write_text(before.replace("What is this?", "What is that?"), "utf-8")
            with pytest.raises(
                ConfigError, match=r"adapter\.safetensors is of .*data\.folder/dialogues\.jsonl"
            ):
                train("out", ("steps = 2", "steps = 0"))
        finally:
            own.write_text(before, "utf-8")
        save_connector(load_connector(out / CONNECTOR), out / CONNECTOR)
        with pytest.raises(ConfigError, match=r"connector\.safetensors does not tell by what recipe"):
            train("out", ("steps = 2", "steps = 0"))


def test_a_run_goes_on_from_finished_weights(train, tmp_path):
    """Stage 1 is theirs, and stage 2 begins at their adapter; going on by no steps changes nothing."""
    first = train("first")
    assert train("same", ("steps = 2", "steps = 0"), first) == tmp_path / "same"
    assert not (tmp_path / "same" / "seeing.ckpt").exists()
    for name in (CONNECTOR, ADAPTER):
        ours, theirs = load_file(tmp_path / "same" / name), load_file(first / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())
    longer = train("longer", start=first)
    before, after = load_file(first / ADAPTER), load_file(longer / ADAPTER)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    names = load_connector(first / CONNECTOR).config.names
    assert load_connector(longer / CONNECTOR).config.names == names
    with pytest.raises(ConfigError, match=r"is of another recipe: run\.start was"):
        train("longer", start=longer.parent / "same")


def test_weights_that_a_run_cannot_start_from_are_refused(train, tmp_path):
    first = train("first", ("steps = 2", "steps = 0"))
    with pytest.raises(ModelError, match=r"have rank 2 and scale 16, the recipe living\.rank 4"):
        train("other", ("rank = 2\nworkers", "rank = 4\nworkers"), first)
    with pytest.raises(ConfigError, match="another folder than its own"):
        train("first", ("steps = 2", "steps = 0"), first)
    with pytest.raises(ModelNotFoundError, match="there is no connector"):
        train("none", start=tmp_path / "nowhere")
    adapter = load_adapter(first / ADAPTER)
    factors = {
        f"{layer}{part}": factor
        for layer, pair in adapter.pairs.items()
        for part, factor in zip((A, B), pair, strict=True)
    }
    save_adapter(factors, first / ADAPTER, {"alpha": str(adapter.scale * 2), "base_weights": "of another"})
    with pytest.raises(ModelError, match="another language model's"):
        train("foreign", ("steps = 2", "steps = 0"), first)
