import dataclasses
import stat

import pytest

from streams.errors import CacheError
from streams.models.artifact import EmbeddedModel, Source, Wheel
from streams.models.cache import MANIFEST, ModelCache
from tests.silent_progress import SilentProgress

MODEL = EmbeddedModel(
    role="vision",
    name="tiny",
    sources=(Source(Wheel("tiny", "1", "tiny-1.whl", "ab" * 32, 3), ("tiny/a",)),),
    licence="MIT",
    installed_bytes=100,
)


def build(folder):
    (folder / "a").write_bytes(b"aaaa")
    (folder / "sub").mkdir()
    (folder / "sub" / "b").write_bytes(b"bb")
    (folder / "a").chmod(0o600)


@pytest.fixture
def cache(tmp_path):
    return ModelCache(tmp_path)


def test_publishes_whole_with_a_manifest(cache):
    assert cache.find(MODEL) is None
    assert cache.verify(MODEL) == ("not in the cache",)
    folder = cache.publish(MODEL, build)
    assert cache.find(MODEL) == folder
    assert cache.verify(MODEL) == ()
    assert cache.size_bytes(MODEL) == 6
    mode = stat.S_IMODE((folder / "a").stat().st_mode)
    assert mode == stat.S_IMODE((folder / MANIFEST).stat().st_mode)


def test_verify_names_every_bad_file(cache):
    folder = cache.publish(MODEL, build)
    (folder / "a").write_bytes(b"aaab")
    (folder / "sub" / "b").unlink()
    first, second = cache.verify(MODEL)
    assert first.startswith("a: SHA-256")
    assert second == "sub/b: missing"


def test_find_sees_missing_and_cut_files_without_hashing(cache):
    folder = cache.publish(MODEL, build)
    (folder / "a").write_bytes(b"aaab")
    assert cache.find(MODEL) == folder
    (folder / "a").write_bytes(b"aaa")
    assert cache.find(MODEL) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', "\xff\xfe"])
def test_a_damaged_manifest_counts_as_absent(cache, text):
    folder = cache.publish(MODEL, build)
    (folder / MANIFEST).write_text(text, "latin-1")
    assert cache.find(MODEL) is None
    assert cache.verify(MODEL) == (f"{MANIFEST}: missing, damaged or of another version",)
    assert cache.publish(MODEL, build) == folder
    assert cache.verify(MODEL) == ()


def test_a_model_from_other_wheels_counts_as_absent(cache):
    cache.publish(MODEL, build)
    wheel = dataclasses.replace(MODEL.sources[0].package, sha256="cd" * 32)
    repinned = dataclasses.replace(MODEL, sources=(Source(wheel, ("tiny/a",)),))
    assert cache.find(repinned) is None
    assert cache.find(dataclasses.replace(MODEL, format_version=2)) is None


def test_a_build_that_fails_leaves_the_old_model(cache):
    cache.publish(MODEL, build)

    def fail(folder):
        (folder / "a").write_bytes(b"new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.publish(MODEL, fail)
    assert cache.verify(MODEL) == ()
    assert [path.name for path in (cache.root / "embedded").iterdir()] == [MODEL.key]


def test_leftovers_of_a_crash_are_cleaned(cache):
    for suffix in ("new", "old"):
        leftover = cache.root / "embedded" / f".{MODEL.key}.{suffix}"
        leftover.mkdir(parents=True)
        (leftover / "half").touch()
    folder = cache.publish(MODEL, build)
    assert not (folder / "half").exists()
    assert [path.name for path in (cache.root / "embedded").iterdir()] == [MODEL.key]


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    cache = ModelCache(tmp_path / "file")
    with pytest.raises(CacheError, match=r"models\.cache_dir"), cache.lock(MODEL, SilentProgress()):
        pytest.fail("locked in a folder that cannot be")
    with pytest.raises(CacheError):
        cache.publish(MODEL, build)
