import json

import pytest
import torch
from torch import nn

from streams.errors import ConfigError
from streams.train.loop import Loop, Rate, Schedule


class Line:
    """A stage that fits a line, with dropout, so that chance takes part."""

    name = "line"

    def __init__(self, wide=4):
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Linear(wide, 8), nn.Dropout(0.3), nn.Linear(8, 1))
        self._wide = wide

    def rates(self):
        return [Rate(list(self.module.parameters()), 0.05, 0.01)]

    def step(self, number):
        x = torch.randn(16, self._wide, generator=torch.Generator().manual_seed(number))
        loss = (self.module(x)[:, 0] - x.sum(1)).square().mean()
        loss.backward()
        return {"loss": loss.item(), "tokens": 16.0}

    def evaluate(self):
        assert not self.module.training
        x = torch.ones(1, self._wide)
        return {"error": float((self.module(x) - self._wide).abs())}


def weights(stage):
    return torch.cat([parameter.detach().flatten() for parameter in stage.module.parameters()])


SCHEDULE = Schedule(30, warmup=3, evaluate_every=10, save_every=4)


def test_a_run_that_was_interrupted_ends_at_the_same_weights(tmp_path):
    whole, parts = Line(), Line()
    (tmp_path / "whole").mkdir()
    Loop(whole, SCHEDULE, tmp_path / "whole").run()
    Loop(parts, SCHEDULE, tmp_path).run(until=8)
    again = Line()
    loop = Loop(again, SCHEDULE, tmp_path)
    loop.run()
    assert torch.equal(weights(whole), weights(again))
    assert loop.done == 30
    assert loop.tokens == 480


def test_what_was_trained_past_the_last_checkpoint_is_trained_again(tmp_path):
    whole, killed, again = Line(), Line(), Line()
    (tmp_path / "whole").mkdir()
    Loop(whole, SCHEDULE, tmp_path / "whole").run()

    def kill(figures):
        if figures["step"] == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Loop(killed, SCHEDULE, tmp_path).run(kill)
    loop = Loop(again, SCHEDULE, tmp_path)
    loop.resume()
    assert loop.done == 8
    loop.run()
    assert torch.equal(weights(whole), weights(again))
    assert steps_of(tmp_path / "line.jsonl") == list(range(1, 31))


@pytest.mark.parametrize("rest", ['{"step": 9, "lo', '{"step": 9}\n{"step": 10}\n', "[]\n"])
def test_the_log_ends_where_the_checkpoint_does(tmp_path, rest):
    Loop(Line(), SCHEDULE, tmp_path).run(until=8)
    with (tmp_path / "line.jsonl").open("a") as log:
        log.write(rest)
    Loop(Line(), SCHEDULE, tmp_path).resume()
    assert steps_of(tmp_path / "line.jsonl") == list(range(1, 9))
    (tmp_path / "line.ckpt").unlink()
    Loop(Line(), SCHEDULE, tmp_path).resume()
    assert steps_of(tmp_path / "line.jsonl") == []


def steps_of(log):
    return [json.loads(line)["step"] for line in log.read_text("utf-8").splitlines()]


def test_it_learns_and_writes_down_how(tmp_path):
    stage = Line()
    Loop(stage, Schedule(200, warmup=5, evaluate_every=100), tmp_path).run()
    lines = [json.loads(line) for line in (tmp_path / "line.jsonl").read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 201))
    assert lines[-1]["loss"] < lines[0]["loss"] / 4
    assert lines[-1]["seen"] == 3200
    assert [line["step"] for line in lines if "validation.error" in line] == [100, 200]


def test_the_rate_rises_then_falls_to_a_tenth():
    shares = [SCHEDULE.share(step) for step in range(31)]
    assert shares[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert shares[3:] == sorted(shares[3:], reverse=True)
    assert shares[30] == pytest.approx(0.1)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    Loop(Line(), SCHEDULE, tmp_path).run(until=4)
    with pytest.raises(ConfigError, match="of another recipe"):
        Loop(Line(wide=5), SCHEDULE, tmp_path).run()


def test_a_checkpoint_that_is_damaged_is_named(tmp_path):
    Loop(Line(), SCHEDULE, tmp_path).run(until=4)
    file = tmp_path / "line.ckpt"
    whole = file.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle:])
    for content in (b"", whole[:middle], whole[:-30], bytes(4_096), b"hello\n", b"\x80\x02", flipped):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=r"line\.ckpt cannot be read \(.+\); if it is damaged"):
            Loop(Line(), SCHEDULE, tmp_path).run()
    torch.save([1, 2], file)
    with pytest.raises(ConfigError, match=r"line\.ckpt cannot be read"):
        Loop(Line(), SCHEDULE, tmp_path).run()
    file.unlink()
    Loop(Line(), SCHEDULE, tmp_path).run(until=4)


def test_a_checkpoint_of_other_settings_is_refused_and_the_setting_named(tmp_path):
    Loop(Line(), SCHEDULE, tmp_path, {"data.seed": 0, "seeing.batch": 8}).run(until=4)
    with pytest.raises(
        ConfigError, match=r"line\.ckpt is of another recipe: seeing\.batch was 8 .* is 9"
    ) as told:
        Loop(Line(), SCHEDULE, tmp_path, {"data.seed": 0, "seeing.batch": 9}).run()
    assert told.value.param == "seeing.batch"
    with pytest.raises(ConfigError, match=r"seeing\.batch was 8 there and is None"):
        Loop(Line(), SCHEDULE, tmp_path, {"data.seed": 0}).run()
    loop = Loop(Line(), SCHEDULE, tmp_path, {"data.seed": 0, "seeing.batch": 8})
    loop.resume()
    assert loop.done == 4
