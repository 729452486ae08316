import argparse
import contextlib
import dataclasses
import io
import json
import sqlite3
import subprocess
import sys
import zipfile

import pytest
import torch
from rich.filesize import decimal
from safetensors.torch import load

from memory.block import SINKS_ID, BlockInfo
from memory.codec.codec import EncodedBlock
from memory.store.identity import CATALOG, Fingerprint, SessionKey
from memory.store.store import MemoryStore
from streams.cli import main
from streams.commands import memory
from streams.config import MemoryConfig, StreamsConfig
from streams.errors import ConfigError, InvalidRequestError, MemoryStoreError
from streams.memories.kept import format_date, format_length
from streams.memories.tool import run
from streams.types import US_PER_S as S
from streams.types import BlockKind

MODEL = Fingerprint("tiny", "a" * 64, "b" * 64, 2, 2, 4)
KITCHEN, GARDEN = SessionKey("default", "kitchen"), SessionKey("acme", "garden")
SCENE = (
    (SINKS_ID, BlockKind.SYSTEM, 0, 0, "Watch the kitchen."),
    (1, BlockKind.FRAME, 0, 0, "a cup"),
    (2, BlockKind.FRAME, 5, 5, "a cup"),
    (3, BlockKind.UTTERANCE, 7, 8, "What is it?"),
    (4, BlockKind.REPLY, 9, 10, "A cup."),
    (5, BlockKind.FRAME, 70, 70, "a [bold]cat[/bold] \x1b[2J"),
    (6, BlockKind.FRAME, 3_700, 3_700, "<script>alert(1)</script>"),
)


def encoded(block_id, kind, start_s, end_s, text):
    generator = torch.Generator().manual_seed(block_id)
    keys, values = (torch.randn((2, 2, 3, 4), generator=generator) for _ in range(2))
    digest = torch.randn((2, 1, 8), generator=generator).half()
    info = BlockInfo(block_id, kind, start_s * S, end_s * S, text, 3, 3 * block_id)
    return EncodedBlock(info, "exact", {"keys": keys, "values": values}, digest)


def keep(store, key, scene=SCENE, *, model=MODEL):
    session = store.open(key, model)
    for block in scene:
        session.write(encoded(*block))
        if block[1] is BlockKind.FRAME:
            session.set_thumbnail(block[0], b"\xff\xd8 picture %d" % block[0])
    session.sync()
    return session


@pytest.fixture
def folder(tmp_path):
    """A store with two sessions, closed."""
    store = MemoryStore(tmp_path / "memory", sync=False)
    keep(store, KITCHEN).close()
    keep(store, GARDEN, SCENE[:3]).close()
    store.close()
    return tmp_path / "memory"


@pytest.fixture
def did(folder, capsys):
    """Runs one action on the store: its status, its output and its errors."""
    parser = argparse.ArgumentParser(prog="streams memory")
    memory.add_arguments(parser)
    config = StreamsConfig(memory=MemoryConfig(dir=folder))

    def do(*words):
        status = run(parser.parse_args([str(word) for word in words]), config)
        return status, *capsys.readouterr()

    return do


def damage(folder, block_id):
    """Turn one byte of a block of the kitchen, wherever it lies."""
    for file in sorted(folder.glob("default/kitchen/blocks-*.seg")):
        data = bytearray(file.read_bytes())
        body = encoded(*SCENE[block_id]).tensors["keys"].numpy().tobytes()
        if (at := data.find(body)) >= 0:
            data[at + 3] ^= 0x40
            file.write_bytes(data)
            return file.name
    raise AssertionError("the block is nowhere")


class TestFolder:
    def test_without_one_it_says_what_to_do(self):
        with pytest.raises(ConfigError, match="--memory-dir DIR") as caught:
            run(argparse.Namespace(action="ls", json=False), StreamsConfig())
        assert caught.value.param == "memory.dir"

    def test_one_that_is_not_there_is_not_made(self, tmp_path, capsys):
        missing = tmp_path / "nowhere"
        assert main(["memory", "ls", "--memory-dir", str(missing)]) == 1
        assert f"{missing} does not exist" in capsys.readouterr().err
        assert not missing.exists()

    def test_a_catalog_of_somebody_else_is_not_touched(self, tmp_path, capsys):
        file = tmp_path / "catalog.sqlite"
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE books (title TEXT)")
            database.commit()
        before = file.read_bytes()
        assert main(["memory", "ls", "--memory-dir", str(tmp_path)]) == 1
        assert f"{tmp_path} is not a memory" in capsys.readouterr().err
        assert file.read_bytes() == before
        assert [each.name for each in tmp_path.iterdir()] == [file.name]

    def test_one_that_is_something_else_stays_as_it_is(self, tmp_path, capsys):
        (tmp_path / "photo.jpg").write_text("x")
        assert main(["memory", "rm", "x", "--yes", "--memory-dir", str(tmp_path)]) == 1
        assert f"{tmp_path} is not a memory" in capsys.readouterr().err
        assert [each.name for each in tmp_path.iterdir()] == ["photo.jpg"]
        assert main(["memory", "ls", "--memory-dir", str(tmp_path / "photo.jpg")]) == 1
        assert "is not a folder" in capsys.readouterr().err

    def test_it_may_be_given_before_or_after_the_action_and_in_the_environment(
        self, folder, capsys, monkeypatch
    ):
        for words in (["--memory-dir", str(folder), "ls"], ["ls", "--memory-dir", str(folder)]):
            assert main(["memory", *words]) == 0
            assert "default/kitchen" in capsys.readouterr().out
        monkeypatch.setenv("STREAMS_MEMORY_DIR", str(folder))
        assert main(["memory", "ls"]) == 0
        assert "acme/garden" in capsys.readouterr().out

    def test_one_whose_catalog_is_gone_is_still_a_memory(self, folder, did):
        for file in folder.glob(f"{CATALOG}*"):
            file.unlink()
        status, out, _ = did("ls")
        assert status == 0
        assert "default/kitchen" in out


class TestList:
    def test_it_shows_each_session(self, did, folder):
        store = MemoryStore(folder, sync=False)
        session = store.open(KITCHEN, None)
        session.remove([6], reason="oldest")
        session.close()
        store.close()
        status, out, _ = did("ls")
        assert status == 0
        head, first, second = (line.split() for line in out.splitlines())
        assert head == [
            "session",
            "model",
            "blocks",
            "length",
            "size",
            "last",
            "used",
            "forgotten",
            "damaged",
        ]
        assert first[:4] == ["default/kitchen", "tiny", "6", "0:01:10"]
        assert first[-2:] == ["1", "0"]
        assert second[:4] == ["acme/garden", "tiny", "3", "0:00:05"]

    def test_as_json(self, did):
        _, out, _ = did("ls", "--json")
        sessions = {each["session"]: each for each in json.loads(out)}
        assert set(sessions) == {"default/kitchen", "acme/garden"}
        kitchen = sessions["default/kitchen"]
        assert kitchen["key"] == {"tenant": "default", "name": "kitchen"}
        assert kitchen["fingerprint"]["model"] == "tiny"
        assert (kitchen["blocks"], kitchen["tokens"], kitchen["end_us"]) == (7, 21, 3_700 * S)

    def test_none_gives_a_hint(self, tmp_path, capsys):
        MemoryStore(tmp_path, sync=False).close()
        assert main(["memory", "ls", "--memory-dir", str(tmp_path)]) == 0
        assert f"streams serve --memory-dir {tmp_path}" in capsys.readouterr().out
        assert main(["memory", "ls", "--json", "--memory-dir", str(tmp_path)]) == 0
        assert json.loads(capsys.readouterr().out) == []

    def test_a_hostile_model_name_is_shown_as_it_is(self, folder, did):
        store = MemoryStore(folder, sync=False)
        name = "[red]evil[/red]\x1b[2J"
        keep(store, SessionKey("x", "y"), SCENE[:2], model=dataclasses.replace(MODEL, model=name)).close()
        store.close()
        _, out, _ = did("ls")
        assert "[red]evil[/red]\\x1b[2J" in out
        assert "\x1b" not in out


class TestShow:
    def test_a_line_says_what_was_when_and_neighbours_are_one(self, did):
        status, out, _ = did("show", "kitchen")
        assert status == 0
        assert out.splitlines()[:3] == [
            "00:00 – 00:05      seen  a cup  (2 times)",
            "00:07 – 00:08     heard  What is it?",
            "00:09 – 00:10  answered  A cup.",
        ]
        assert "01:10              seen  a [bold]cat[/bold] \\x1b[2J" in out
        assert "\x1b" not in out
        assert "Watch the kitchen." not in out
        assert "6 of 6 blocks shown" in out

    @pytest.mark.parametrize(
        ("words", "shown"),
        [
            (["--from", "00:08"], "3456"),
            (["--to", "00:06"], "12"),
            (["--from", "0:00:09", "--to", "01:10"], "45"),
            (["--kind", "frame"], "1256"),
            (["--kind", "reply", "--kind", "utterance"], "34"),
            (["--from", "2:00:00"], ""),
        ],
    )
    def test_a_part_can_be_asked_for(self, did, words, shown):
        _, out, _ = did("show", "default/kitchen", "--json", "-", *words)
        assert [block["id"] for block in json.loads(out)["blocks"]] == [int(each) for each in shown]

    def test_as_json(self, did, tmp_path):
        status, out, _ = did("show", "kitchen", "--json", tmp_path / "k.json")
        assert status == 0
        assert "a cup" in out
        document = json.loads((tmp_path / "k.json").read_text("utf-8"))
        assert document["session"]["session"] == "default/kitchen"
        assert document["session"]["instructions"] == "Watch the kitchen."
        block = document["blocks"][2]
        assert block.pop("nbytes") > 2 * 3 * 4 * 2 * 4
        assert block == {
            "id": 3,
            "kind": "utterance",
            "start_us": 7 * S,
            "end_us": 8 * S,
            "text": "What is it?",
            "tokens": 3,
            "offset": 9,
        }

    def test_the_page_is_one_file_with_the_pictures(self, did, tmp_path):
        status, out, _ = did("show", "kitchen", "--html", tmp_path / "k.html")
        assert status == 0
        assert f"Wrote {tmp_path / 'k.html'}." in out
        page = (tmp_path / "k.html").read_text("utf-8")
        assert page.count("data:image/jpeg;base64,") == 4
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert page.count("<script>") == 1
        assert "<dt>Codec</dt><dd>exact</dd>" in page
        assert "Only a part" not in page
        assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["k.html"]

    def test_a_page_of_a_part_says_so(self, did, tmp_path):
        did("show", "kitchen", "--html", tmp_path / "k.html", "--kind", "reply")
        page = (tmp_path / "k.html").read_text("utf-8")
        assert "Only a part of the session" in page
        assert "What is it?" not in page

    def test_json_alone_is_on_standard_output(self, did, tmp_path):
        _, out, _ = did("show", "kitchen", "--json", "-", "--html", tmp_path / "k.html")
        assert len(json.loads(out)["blocks"]) == 6
        assert (tmp_path / "k.html").exists()

    def test_an_unknown_session_a_wrong_name_and_a_wrong_time_are_errors_by_name(self, did):
        with pytest.raises(MemoryStoreError, match="no session default/cellar") as caught:
            did("show", "cellar")
        assert caught.value.code == "session_not_found"
        with pytest.raises(MemoryStoreError, match=r"'\.\.' cannot name a tenant"):
            did("show", "../kitchen")
        with pytest.raises(InvalidRequestError, match=r"--from: 'noon' is not a time"):
            did("show", "kitchen", "--from", "noon")
        with pytest.raises(InvalidRequestError, match="--from 01:00 is after --to 00:10"):
            did("show", "kitchen", "--from", "01:00", "--to", "00:10")

    def test_a_page_that_cannot_be_written_is_an_error_by_name(self, did, tmp_path):
        with pytest.raises(ConfigError, match=r"cannot write .*nowhere/k.html") as caught:
            did("show", "kitchen", "--html", tmp_path / "nowhere" / "k.html")
        assert caught.value.param == "--html"

    def test_a_session_in_use_can_be_looked_at(self, did, folder):
        store = MemoryStore(folder, sync=False)
        session = store.open(KITCHEN, None)
        assert did("show", "kitchen")[0] == 0
        assert did("verify", "kitchen")[0] == 0
        session.close()
        store.close()


class TestVerify:
    def test_whole_sessions_are_ok(self, did):
        status, out, _ = did("verify")
        assert status == 0
        assert out.splitlines() == ["acme/garden: ok", "default/kitchen: ok"]

    def test_damage_is_told_by_file_and_block(self, did, folder):
        name = damage(folder, 4)
        status, out, _ = did("verify")
        assert status == 1
        garden, kitchen, found, *more = out.splitlines()
        assert (garden, kitchen, more) == ("acme/garden: ok", "default/kitchen: NOT ok", [])
        assert found.startswith(f"  {name}, byte ")
        assert "(block 4): the checksum" in found
        assert did("verify", "acme/garden")[0] == 0

    def test_as_json(self, did, folder):
        name = damage(folder, 4)
        status, out, _ = did("verify", "kitchen", "--json")
        assert status == 1
        (verdict,) = json.loads(out)
        assert (verdict["session"], verdict["ok"], verdict["error"]) == ("default/kitchen", False, None)
        assert [(each["block_id"], each["segment"]) for each in verdict["damage"]] == [(4, name)]
        assert json.loads(did("verify", "acme/garden", "--json")[1])[0]["ok"] is True

    def test_a_damaged_block_keeps_nothing_else_from_being_shown(self, did, folder, tmp_path):
        damage(folder, 1)
        status, out, _ = did("show", "kitchen", "--html", tmp_path / "k.html")
        assert status == 0
        assert "block 1 cannot be read: the checksum" in out
        assert "What is it?" in (tmp_path / "k.html").read_text("utf-8")

    def test_a_missing_file_is_damage(self, did, folder):
        for file in folder.glob("default/kitchen/blocks-*.seg"):
            file.unlink()
        status, out, _ = did("verify", "kitchen")
        assert status == 1
        assert "blocks-000001.seg" in out


class TestCompact:
    def test_it_says_what_was_freed(self, did, folder):
        store = MemoryStore(folder, sync=False)
        session = store.open(KITCHEN, None)
        session.remove([1, 2], reason="oldest")
        session.close()
        store.close()
        before = sum(file.stat().st_size for file in folder.glob("default/kitchen/*.seg"))
        status, out, _ = did("compact")
        assert status == 0
        assert out.splitlines()[0] == "acme/garden: 0 bytes freed"
        freed = before - sum(file.stat().st_size for file in folder.glob("default/kitchen/*.seg"))
        assert freed > 0
        assert out.splitlines()[1] == f"default/kitchen: {decimal(freed)} freed"
        assert did("verify", "kitchen")[0] == 0
        assert "4 of 4 blocks shown" in did("show", "kitchen")[1]

    def test_one_in_use_is_named_and_the_others_are_compacted(self, did, folder):
        store = MemoryStore(folder, sync=False)
        session = store.open(GARDEN, None)
        status, out, err = did("compact")
        assert status == 1
        assert "acme/garden" in err
        assert out.startswith("default/kitchen: ")
        session.close()
        store.close()


class TestExport:
    def test_it_holds_the_timeline_and_the_pictures(self, did, tmp_path):
        out = tmp_path / "kitchen.zip"
        status, said, _ = did("export", "kitchen", "--out", out)
        assert status == 0
        assert said.startswith("default/kitchen: 6 blocks, ")
        assert said.endswith(f": {out}\n")
        with zipfile.ZipFile(out) as archive:
            assert archive.testzip() is None
            names = sorted(archive.namelist())
            assert names == [*(f"thumbnails/{block_id:08}.jpg" for block_id in (1, 2, 5, 6)), "timeline.json"]
            document = json.loads(archive.read("timeline.json"))
            assert archive.read(document["blocks"][1]["thumbnail"]) == b"\xff\xd8 picture 2"
        assert document["session"]["instructions"] == "Watch the kitchen."
        assert [block["id"] for block in document["blocks"]] == [1, 2, 3, 4, 5, 6]
        assert document["blocks"][4]["text"] == SCENE[5][4]
        assert "thumbnail" not in document["blocks"][2]
        assert document["unreadable"] == {}

    def test_with_keys_and_values_as_they_are_kept(self, did, tmp_path):
        did("export", "kitchen", "--out", tmp_path / "k.zip", "--with-kv")
        with zipfile.ZipFile(tmp_path / "k.zip") as archive:
            document = json.loads(archive.read("timeline.json"))
            for block in document["blocks"]:
                tensors = load(archive.read(block["tensors"]))
                mine = encoded(*SCENE[block["id"]])
                assert block["codec"] == "exact"
                assert set(tensors) == {"kv.keys", "kv.values", "digest"}
                assert torch.equal(tensors["kv.keys"], mine.tensors["keys"])
                assert torch.equal(tensors["kv.values"], mine.tensors["values"])
                assert torch.equal(tensors["digest"], mine.digest)

    def test_it_replaces_nothing_unless_forced(self, did, tmp_path):
        out = tmp_path / "k.zip"
        out.write_text("precious")
        with pytest.raises(ConfigError, match="--force") as caught:
            did("export", "kitchen", "--out", out)
        assert caught.value.param == "--out"
        assert out.read_text() == "precious"
        assert did("export", "kitchen", "--out", out, "--force")[0] == 0
        assert zipfile.is_zipfile(out)

    def test_a_failure_leaves_no_file(self, did, tmp_path):
        with pytest.raises(MemoryStoreError):
            did("export", "cellar", "--out", tmp_path / "k.zip")
        with pytest.raises(ConfigError, match="cannot write"):
            did("export", "kitchen", "--out", tmp_path / "memory", "--force")
        assert [each.name for each in tmp_path.iterdir()] == ["memory"]

    def test_what_is_damaged_is_said_and_the_rest_exported(self, did, folder, tmp_path):
        damage(folder, 4)
        status, said, _ = did("export", "kitchen", "--out", tmp_path / "k.zip", "--with-kv")
        assert status == 1
        assert "block 4 cannot be read" in said
        with zipfile.ZipFile(tmp_path / "k.zip") as archive:
            document = json.loads(archive.read("timeline.json"))
        assert list(document["unreadable"]) == ["4"]
        assert [block["id"] for block in document["blocks"] if "tensors" not in block] == [4]


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestRemove:
    def test_it_removes_what_is_named(self, did, folder):
        status, out, _ = did("rm", "kitchen", "--yes")
        assert status == 0
        assert out.startswith("default/kitchen: removed, ")
        assert not (folder / "default" / "kitchen").exists()
        assert [each["session"] for each in json.loads(did("ls", "--json")[1])] == ["acme/garden"]

    @pytest.mark.parametrize(
        ("answer", "removed"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("", False)]
    )
    def test_on_a_terminal_it_asks(self, did, folder, monkeypatch, answer, removed):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        status, out, _ = did("rm", "kitchen")
        assert "default/kitchen: 7 blocks, 1:01:40, " in out
        assert (status == 0) == removed
        assert (folder / "default" / "kitchen").exists() != removed
        assert ("Nothing was removed." in out) != removed

    def test_without_a_terminal_it_must_be_told(self, did, folder, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        with pytest.raises(ConfigError, match="--yes"):
            did("rm", "kitchen")
        assert (folder / "default" / "kitchen").exists()

    def test_when_one_is_unknown_none_is_removed(self, did, folder):
        with pytest.raises(MemoryStoreError, match="default/cellar"):
            did("rm", "kitchen", "cellar", "--yes")
        assert (folder / "default" / "kitchen").exists()

    def test_one_in_use_stays(self, did, folder):
        store = MemoryStore(folder, sync=False)
        session = store.open(KITCHEN, None)
        with pytest.raises(MemoryStoreError, match="default/kitchen") as caught:
            did("rm", "kitchen", "--yes")
        assert caught.value.code == "session_in_use"
        assert (folder / "default" / "kitchen").exists()
        session.close()
        store.close()


def test_lengths_and_dates():
    assert format_length(3_661 * S) == "1:01:01"
    assert format_length(0) == "0:00:00"
    assert format_date(2**62) == "?"


def test_help_does_not_load_torch():
    code = """
import sys
from streams.cli import main
for words in (["memory", "--help"], ["memory", "show", "--help"]):
    try:
        main(words)
    except SystemExit as left:
        assert left.code == 0
sys.exit(str({"torch", "faiss"} & set(sys.modules)) if "torch" in sys.modules else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    for action in ("ls", "show", "verify", "compact", "export", "rm"):
        assert f"    {action} " in done.stdout
