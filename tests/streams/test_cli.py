import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from streams import __version__
from streams.cli import COMMANDS, main
from streams.settings import settings

TIMEOUT_S = 120


@pytest.fixture
def ran(capsys):
    """Runs a command line in this process: its exit status, its output and its errors."""

    def run(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as left:
            status = left.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def no_video(tmp_path):
    path = tmp_path / "no.mp4"
    path.write_bytes(b"this is not a video")
    return path


def driven(code):
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    return done.stdout


def test_help_lists_the_commands(ran):
    status, out, err = ran("--help")
    assert (status, err) == (0, "")
    for command in COMMANDS:
        assert f"    {command.name} " in out
        assert command.help in " ".join(out.split())
    assert "STREAMS_" in out


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help(ran, command):
    status, out, err = ran(command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: streams {command} ")


def test_help_and_the_list_of_models_do_not_load_torch(tmp_path):
    code = """
import sys
from streams.cli import main
for words in (["--help"], ["replay", "--help"], ["serve", "--help"], ["models", "list", "--json"]):
    try:
        main(words)
    except SystemExit:
        pass
heavy = {"torch", "transformers", "timm", "av", "faiss", "onnxruntime", "faster_whisper"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""
    assert driven(code).splitlines()[-1] == "heavy: []"


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "streams", "--version"], capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"streams {__version__}\n", "")
    done = subprocess.run(
        [sys.executable, "-m", "streams", "serve", "--port", "eighty"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "server.port" in line


def test_settings_lists_every_setting(ran):
    status, out, _ = ran("--settings")
    assert (status, out.splitlines()) == (0, list(settings()))


def test_no_command_shows_the_help(ran):
    status, out, _ = ran()
    assert status == 2
    assert out.startswith("usage: streams ")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--colour", "red", "serve"], "COMMAND"),
        (["serve", "--colour", "red"], "--colour"),
        (["replay", "x.mp4", "--fast", "--realtime"], "--realtime"),
        (["serve", "--log-level", "loud"], "--log-level"),
        (["paint"], "paint"),
    ],
)
def test_a_misused_command_line_is_explained(ran, words, named):
    status, out, err = ran(*words)
    assert (status, out) == (2, "")
    assert err.startswith("usage: streams")
    assert named in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["replay", "none.mp4"], "none.mp4"),
        (["replay", "{no_video}"], "no.mp4"),
        (["replay", "{folder}"], "{folder}"),
        (["replay", "none.mp4", "--ask", "90 What is it?"], "'90'"),
        (["replay", "none.mp4", "--ask", "00:05"], "'00:05'"),
        (["replay", "none.mp4", "--questions", "{folder}/none.txt"], "none.txt"),
        (["--config", "{folder}/none.toml", "serve"], "none.toml"),
        (["serve", "--host", "0.0.0.0"], "streams keys add"),
        (["serve", "--config", "{folder}/none.toml"], "none.toml"),
        (["serve", "--port", "eighty"], "server.port"),
        (["serve", "--port", "70000"], "server.port"),
        (["models", "pull", "hearing"], "hearing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_is_one_line_and_no_traceback(ran, no_video, words, named):
    places = {"no_video": no_video, "folder": no_video.parent}
    status, out, err = ran(*(word.format(**places) for word in words))
    assert (status, out) == (1, "")
    (line,) = err.splitlines()
    command = next(word for word in words if word in ("replay", "serve", "models"))
    assert line.startswith(f"streams {command}: ")
    assert named.format(**places) in line


def test_an_unknown_setting_is_refused_by_name_from_environment_and_file(ran, tmp_path, monkeypatch):
    file = tmp_path / "streams.toml"
    file.write_text("[memory]\ncolour = 1\n")
    status, _, err = ran("serve", "--config", file)
    assert (status, err) == (1, "streams serve: unknown setting 'memory.colour'\n")
    monkeypatch.setenv("STREAMS_MEMORY_TASTE", "sweet")
    status, _, err = ran("serve")
    assert (status, err) == (1, "streams serve: unknown setting 'memory.taste'\n")


def test_common_flags_may_stand_on_either_side_of_the_command(ran, tmp_path):
    file = tmp_path / "streams.toml"
    file.write_text(f'[models]\ncache_dir = "{tmp_path}"\n')
    _, before, _ = ran("--config", file, "models", "list", "--json")
    _, after, _ = ran("models", "--config", file, "list", "--json")
    assert before == after
    roles = {model["role"]: model["state"] for model in json.loads(before)}
    assert roles["llm"] == "absent"


def test_ctrl_c_leaves_with_its_own_status(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("streams.commands.models.run", interrupt)
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        assert main(["models", "list"]) == 130
    assert errors.getvalue() == ""


def test_the_examples_of_the_readme_are_commands(ran):
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    names = {command.name for command in COMMANDS}
    used = {line.split()[1] for line in readme.splitlines() if line.strip().startswith("streams ")}
    assert used <= names
