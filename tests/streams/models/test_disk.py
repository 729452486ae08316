import errno
import hashlib

import pytest

from streams.errors import CacheError, ModelError
from streams.models.disk import cache_errors, hash_file, require_space


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_how_much_is_needed_and_free(tmp_path, number):
    path = tmp_path / "not" / "yet"
    with (
        pytest.raises(CacheError, match=r"needs 12,345 bytes more and [\d,]+ are free"),
        cache_errors(path, 12_345),
    ):
        raise OSError(number, "full")


def test_no_permission_names_the_path(tmp_path):
    with pytest.raises(CacheError, match="Permission denied") as caught, cache_errors(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert caught.value.param == str(tmp_path)


def test_other_errors_pass(tmp_path):
    with pytest.raises(ModelError, match="own"), cache_errors(tmp_path):
        raise ModelError("own")


def test_room_enough_raises_nothing(tmp_path):
    require_space(tmp_path, 1)
    with pytest.raises(CacheError):
        require_space(tmp_path, 1 << 62)


def test_hash_of_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"data" * 100_000)
    assert hash_file(tmp_path / "file") == hashlib.sha256(b"data" * 100_000).hexdigest()
