"""The keys that open this server, as its file has them now."""

from __future__ import annotations

from pathlib import Path

from gateway.access.file_stamp import stamp_of
from gateway.access.key import ApiKey, digest_of
from gateway.access.key_file import read_keys
from streams.errors import ConfigError
from streams.log import get_logger

log = get_logger(__name__)


class KeyRing:
    """Reads the file again when it has changed, so that a key that was removed opens nothing from then on.

    A file that can be read no longer opens nothing at all until it is mended, rather than keys that may
    have been revoked.
    """

    def __init__(self, file: Path) -> None:
        """Raises ConfigError when the file cannot be used."""
        self._file = file.expanduser()
        self._stamp = stamp_of(self._file)
        self._keys = read_keys(self._file)
        self._problem: ConfigError | None = None

    def find(self, secret: str) -> ApiKey | None:
        """The key whose secret this is. Compares with all of them, so that time tells nothing of which.

        Raises ConfigError while the file cannot be used.
        """
        digest = digest_of(secret)
        found = None
        for key in self.keys():
            if key.is_of(digest):
                found = key
        return found

    def keys(self) -> tuple[ApiKey, ...]:
        """Raises ConfigError while the file cannot be used."""
        stamp = stamp_of(self._file)
        if stamp != self._stamp:
            self._stamp = stamp
            self._read()
        if self._problem is not None:
            raise self._problem
        return self._keys

    def _read(self) -> None:
        try:
            self._keys = read_keys(self._file)
        except ConfigError as error:
            self._problem = error
            log.warning("keys_unusable", error=error.message)
        else:
            self._problem = None
            log.info("keys_read", keys=len(self._keys))
