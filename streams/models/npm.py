"""A registry of npm packages: the address npm itself would use, and where a version's tarball lies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urljoin

from streams.errors import DownloadError
from streams.models.artifact import Tarball
from streams.models.index import Host

PUBLIC_REGISTRY = "https://registry.npmjs.org/"
SETTING = "npm_config_registry"


def choose_registry_url(environ: Mapping[str, str]) -> str:
    """What npm is set to: its variable, else ``registry`` in the user's ``.npmrc``, else the public one.

    A value in ``.npmrc`` may name variables of the environment as ``${NAME}``.
    """
    for name in (SETTING, SETTING.upper()):
        if environ.get(name):
            return environ[name]
    file = Path(
        environ.get("npm_config_userconfig") or Path(environ.get("HOME", "~")).expanduser() / ".npmrc"
    )
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return PUBLIC_REGISTRY
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and key.strip() == "registry":
            url = value.strip().strip("\"'")
            for name, text in environ.items():
                url = url.replace("${" + name + "}", text)
            return url
    return PUBLIC_REGISTRY


class NpmRegistry(Host):
    """Finds exact versions in one registry and opens their tarballs."""

    def __init__(self, url: str, *, timeout_s: float = 30.0) -> None:
        super().__init__(url, SETTING, timeout_s=timeout_s)

    def page_url(self, project: str) -> str:
        return urljoin(self.url, quote(project, safe="@"))

    def locate(self, tarball: Tarball) -> str:
        """The address of ``tarball``.

        Raises DownloadError when the registry's answer is none, and NETWORK_ERRORS as they come.
        """
        page = self.open(f"{self.page_url(tarball.project)}/{tarball.version}", accept="application/json")
        try:
            return urljoin(page.url, str(json.loads(page.read())["dist"]["tarball"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DownloadError(
                f"{page.url} is no package of an npm registry: {error!r}. Check {SETTING}.",
                param=tarball.project,
            ) from error
        finally:
            page.close()
