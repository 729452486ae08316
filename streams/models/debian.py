"""A Debian archive: exact files by their path in its pool."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urljoin

from streams.models.artifact import Deb
from streams.models.index import Host

PUBLIC_ARCHIVE = "https://deb.debian.org/debian"
SETTING = "DEBIAN_ARCHIVE"


def choose_archive_url(environ: Mapping[str, str]) -> str:
    """The environment's ``DEBIAN_ARCHIVE`` (a mirror, or one of old releases), else the public one."""
    return environ.get(SETTING) or PUBLIC_ARCHIVE


class DebianArchive(Host):
    """Opens files of one archive. There is no index to ask: a pinned path says where a file is."""

    def __init__(self, url: str, *, timeout_s: float = 30.0) -> None:
        super().__init__(url, SETTING, timeout_s=timeout_s)

    def page_url(self, project: str) -> str:
        return self.url

    def locate(self, deb: Deb) -> str:
        return urljoin(self.url, quote(deb.path))
