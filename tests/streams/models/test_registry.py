import threading

import huggingface_hub.constants
import pytest

from streams.config import ModelsConfig
from streams.errors import DownloadError, ModelNotFoundError
from streams.models.artifact import BundledModel
from streams.models.registry import Registry
from tests.silent_progress import SilentProgress

MEMBERS = {"tiny/weights.bin": b"w" * 1000}
TTS = BundledModel(role="tts", name="voice", licence="MIT", distribution="voice-lib")


@pytest.fixture
def make_registry(served, tmp_path):
    llm = served.add_model(MEMBERS)

    def make(**choices):
        config = ModelsConfig(cache_dir=tmp_path / "cache", **choices)
        return Registry(config, {"llm": llm, "tts": TTS}, index=served.index(), progress=SilentProgress())

    return make


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """An empty cache of the hub, with the hub itself switched off."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_embedded_is_pulled_once(served, make_registry, tmp_path):
    registry = make_registry()
    assert registry.status("llm").state == "absent"
    model = registry.resolve("llm")
    assert (model.role, model.kind, model.name) == ("llm", "embedded", "tiny")
    assert (model.path / "weights.bin").read_bytes() == MEMBERS["tiny/weights.bin"]
    assert model.path.is_relative_to(tmp_path / "cache")
    assert registry.resolve("llm") == model == registry.pull("llm")
    assert len(served.ranges) == 1


def test_threads_at_once_pull_once(served, make_registry):
    registry = make_registry()
    threads = [threading.Thread(target=registry.resolve, args=("llm",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served.ranges) == 1
    assert registry.verify("llm") == ()


def test_bundled_has_no_path_and_nothing_to_pull(make_registry):
    model = make_registry().resolve("tts")
    assert (model.kind, model.name, model.path) == ("bundled", "voice", None)
    assert make_registry().verify("tts") == ()


def test_a_local_path_is_taken_as_it_is(make_registry, tmp_path):
    own = tmp_path / "org" / "own"
    own.mkdir(parents=True)
    (own / "weights").write_bytes(b"12345")
    registry = make_registry(llm=str(own))
    assert registry.resolve("llm").path == own
    assert registry.status("llm").size_bytes == 5
    assert registry.verify("llm") == ()


def test_a_path_that_exists_goes_before_a_hub_name(make_registry, tmp_path, monkeypatch):
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert make_registry(llm="org/name").resolve("llm").kind == "path"


NOTHING = [
    "/no/such/folder",
    "./org/name",
    "justname",
    "a/b/c",
    "~/no-file",
    "~nobody-x",
    "",
    "\0",
    "x" * 5000,
]


@pytest.mark.parametrize("choice", NOTHING)
def test_a_choice_that_is_nothing_is_named(make_registry, choice):
    registry = make_registry(llm=choice)
    with pytest.raises(ModelNotFoundError) as caught:
        registry.resolve("llm")
    assert caught.value.param == "models.llm"


def test_an_unknown_role_is_named(make_registry):
    with pytest.raises(ModelNotFoundError, match="no role 'nose'; there are llm, tts"):
        make_registry().resolve("nose")


def test_a_hub_name_out_of_the_hubs_cache(make_registry, hub_cache):
    repository = hub_cache / "models--org--name"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    registry = make_registry(llm="org/name")
    model = registry.resolve("llm")
    assert (model.kind, model.name, model.path) == ("hub", "org/name", snapshot)
    assert registry.status("llm").state == "ready"


@pytest.mark.usefixtures("hub_cache")
def test_an_offline_hub_says_what_to_do(make_registry):
    registry = make_registry(llm="org/name")
    with pytest.raises(DownloadError, match=r"org/name.*HF_HUB_OFFLINE") as caught:
        registry.resolve("llm")
    assert caught.value.param == "models.llm"
    assert registry.status("llm").state == "absent"
    assert registry.verify("llm") == ("not in the cache",)


def test_a_name_that_the_hub_does_not_know(served, make_registry, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.url)
    served.statuses = [404] * 20
    served.error_headers = {"X-Error-Code": "RepoNotFound"}
    with pytest.raises(ModelNotFoundError, match="org/name") as caught:
        make_registry(llm="org/name").resolve("llm")
    assert caught.value.param == "models.llm"


def test_list_covers_every_role(make_registry):
    assert [model.role for model in make_registry().list()] == ["llm", "tts"]
