import os
import stat

import pytest

from streams.errors import ConfigError
from streams.whole_file import whole_file


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize(
    ("mask", "shared", "mode"),
    [(0o022, True, 0o644), (0o027, True, 0o640), (0o077, True, 0o600), (0o022, False, 0o600)],
)
def test_who_may_read_it(mask, shared, mode, umask, tmp_path):
    umask(mask)
    with whole_file(tmp_path / "a", "run.out", shared=shared) as out:
        out.write(b"whole")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_it_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(tmp_path, monkeypatch):
    steps = []
    sync, replace = os.fsync, os.replace

    def synced(handle):
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        steps.append("folder" if is_folder else f"file of {os.fstat(handle).st_size}")
        sync(handle)

    def replaced(*names):
        steps.append("renamed")
        replace(*names)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    with whole_file(tmp_path / "a", "run.out") as out:
        out.write(b"whole")
    assert steps == ["file of 5", "renamed", "folder"]


def test_what_was_there_stays_when_something_goes_wrong(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"before")

    def write():
        with whole_file(file, "run.out") as out:
            out.write(b"after")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_where_it_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    for parent in ("nowhere", "file"):
        file = tmp_path / parent / "a"
        with (
            pytest.raises(ConfigError, match=f"cannot write {file}") as told,
            whole_file(file, "--out"),
        ):
            pytest.fail("nothing is written")
        assert told.value.param == "--out"
