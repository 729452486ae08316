import dataclasses
import errno
import random

import pytest

from streams.errors import CacheError, DownloadError, IntegrityError
from streams.models import download
from streams.models.download import CHUNK_BYTES

DATA = random.Random(1).randbytes(3 * CHUNK_BYTES + 17)


@pytest.fixture
def wheel(served):
    return served.add("big_data-1.0-py3-none-any.whl", DATA)


def test_fetches_the_pinned_bytes(served, wheel, tmp_path):
    part = served.downloader().fetch(wheel, tmp_path / "new" / "folder")
    assert part.read_bytes() == DATA
    assert served.ranges == [None]


def test_a_whole_part_needs_no_network(served, wheel, tmp_path):
    served.downloader().fetch(wheel, tmp_path)
    served.downloader().fetch(wheel, tmp_path)
    assert len(served.pages) == len(served.ranges) == 1


def test_a_broken_connection_goes_on_where_it_stopped(served, wheel, tmp_path):
    served.break_after = [CHUNK_BYTES + 100]
    part = served.downloader().fetch(wheel, tmp_path)
    assert part.read_bytes() == DATA
    assert served.ranges[0] is None
    resumed_at = int(served.ranges[1].removeprefix("bytes=").removesuffix("-"))
    assert CHUNK_BYTES <= resumed_at <= CHUNK_BYTES + 100
    assert served.sent_bytes == CHUNK_BYTES + 100 + len(DATA) - resumed_at


def test_more_breaks_than_attempts_do_not_matter_while_bytes_come(served, wheel, tmp_path):
    served.break_after = [CHUNK_BYTES // 2] * 4
    assert served.downloader(attempts=1).fetch(wheel, tmp_path).read_bytes() == DATA


def test_an_interrupted_process_is_continued_by_the_next(served, wheel, tmp_path):
    (tmp_path / f"{wheel.filename}.part").write_bytes(DATA[:1000])
    assert served.downloader().fetch(wheel, tmp_path).read_bytes() == DATA
    assert served.ranges == ["bytes=1000-"]


def test_a_server_without_ranges_starts_again(served, wheel, tmp_path):
    served.honours_range = False
    (tmp_path / f"{wheel.filename}.part").write_bytes(b"\0" * 1000)
    assert served.downloader().fetch(wheel, tmp_path).read_bytes() == DATA


def test_wrong_bytes_are_refused_and_removed(served, wheel, tmp_path):
    served.with_hashes = False
    served.files[wheel.filename] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    with pytest.raises(IntegrityError, match=wheel.sha256):
        served.downloader().fetch(wheel, tmp_path)
    assert list(tmp_path.iterdir()) == []
    served.files[wheel.filename] = DATA
    assert served.downloader().fetch(wheel, tmp_path).read_bytes() == DATA


def test_a_damaged_part_is_refused_and_removed(served, wheel, tmp_path):
    (tmp_path / f"{wheel.filename}.part").write_bytes(b"\0" * 1000)
    with pytest.raises(IntegrityError):
        served.downloader().fetch(wheel, tmp_path)
    assert served.downloader().fetch(wheel, tmp_path).read_bytes() == DATA


@pytest.mark.parametrize("length", [len(DATA) - 5, len(DATA) + 5, 100])
def test_another_length_is_refused_before_it_is_read(served, wheel, tmp_path, length):
    served.with_hashes = False
    served.files[wheel.filename] = (DATA + b"12345")[:length]
    with pytest.raises(IntegrityError, match=f"{length:,} bytes"):
        served.downloader().fetch(wheel, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_part_longer_than_the_servers_file_starts_again(served, wheel, tmp_path):
    served.with_hashes = False
    served.files[wheel.filename] = DATA[:500]
    (tmp_path / f"{wheel.filename}.part").write_bytes(DATA[:1000])
    with pytest.raises(IntegrityError, match="500 bytes"):
        served.downloader().fetch(wheel, tmp_path)


def test_a_busy_server_is_asked_again(served, wheel, tmp_path):
    served.statuses = [503, 200, 503, 200, 200]
    assert served.downloader().fetch(wheel, tmp_path).read_bytes() == DATA


def test_an_unknown_project_is_not_asked_for_twice(served, wheel, tmp_path):
    missing = dataclasses.replace(wheel, project="no-such-project")
    with pytest.raises(
        DownloadError, match=r"no-such-project .*/simple/no-such-project/: HTTP 404"
    ) as caught:
        served.downloader().fetch(missing, tmp_path)
    assert caught.value.param == "no-such-project"
    assert len(served.pages) == 1


def test_no_connection_names_the_project_and_keeps_the_part(served, wheel, tmp_path):
    part = tmp_path / f"{wheel.filename}.part"
    part.write_bytes(DATA[:1000])
    served.url = "http://127.0.0.1:9"
    with pytest.raises(DownloadError, match=r"big-data .*127.0.0.1:9.*refused.*models.index_url"):
        served.downloader().fetch(wheel, tmp_path)
    assert part.read_bytes() == DATA[:1000]


def test_a_disk_that_fills_up_keeps_what_was_written(served, wheel, tmp_path, monkeypatch):
    def fill_up(file, data):
        if file.tell() >= CHUNK_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        file.write(data)

    with monkeypatch.context() as patch:
        patch.setattr(download, "_write_all", fill_up)
        with pytest.raises(CacheError, match=f"disk is full.*{len(DATA) - CHUNK_BYTES:,} bytes more"):
            served.downloader().fetch(wheel, tmp_path)
    assert served.downloader().fetch(wheel, tmp_path).read_bytes() == DATA
    assert served.ranges == [None, f"bytes={CHUNK_BYTES}-"]


def test_too_small_a_disk_is_told_before_the_download(served, wheel, tmp_path):
    with pytest.raises(CacheError, match=r"disk is full.*are free") as caught:
        served.downloader().fetch(dataclasses.replace(wheel, size_bytes=10**18), tmp_path)
    assert caught.value.param == str(tmp_path)
    assert served.pages == []


def test_a_folder_that_cannot_be_written(served, wheel, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"file/below.*models\.cache_dir"):
        served.downloader().fetch(wheel, tmp_path / "file" / "below")
