"""A lock on a file that the kernel lets go of when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self


class FileLock:
    """Held until ``release``. Two of them in one process exclude each other too (flock)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def exclusive(cls, file: Path) -> Self | None:
        """Creates ``file`` when it is missing. None when somebody holds it. Raises OSError."""
        return cls._take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @classmethod
    def wait(cls, file: Path) -> Self:
        """As ``exclusive``, but waits while somebody holds it. Raises OSError."""
        lock = cls._take(file, fcntl.LOCK_EX)
        assert lock is not None
        return lock

    @classmethod
    def shared(cls, file: Path) -> Self:
        """Waits while somebody holds it exclusively. Raises OSError."""
        lock = cls._take(file, fcntl.LOCK_SH)
        assert lock is not None
        return lock

    @classmethod
    def _take(cls, file: Path, how: int) -> Self | None:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, how)
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        return cls(fd)

    def share(self) -> None:
        """From exclusive to shared."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def holds(self, file: Path) -> bool:
        """Whether ``file`` is still the one that is locked, not another of that name, or none."""
        try:
            return os.path.samestat(os.fstat(self._fd), file.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Safe to call twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
